import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { publicProcedure, router } from './trpc.ts'

const own = router({ change: publicProcedure.input(z.object({})).mutation(() => true) })

test.each([
  ['a change by GET', { method: 'GET' }],
  ['a body that is no JSON', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }],
  ['another content type', { method: 'POST', body: 'a', headers: { 'content-type': 'text/plain' } }],
])('%s is an error of the caller', async (_, init) => {
  const req = new Request('http://portal.test/trpc/change', init)
  const createContext = () => ({ requestId: 'req-test', log: () => undefined }) as never
  const answer = await fetchRequestHandler({ endpoint: '/trpc', req, router: own, createContext })
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(500)
  expect((await answer.json()).error.data.cloud.code).toBe('invalid_input')
})
