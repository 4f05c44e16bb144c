import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import './register.ts'
import { trpcSettings } from './root-router.ts'

test('a batch of more than 20 calls is refused before any of them is begun', async () => {
  const app = Fastify({ routerOptions: { maxParamLength: 2048 } })
  let begun = 0
  await app.register(fastifyTRPCPlugin, {
    prefix: '/trpc',
    trpcOptions: {
      ...trpcSettings,
      createContext: () => {
        begun++
        throw new Error('no caller')
      },
    },
  })
  const statusOf = async (count: number, comma = ',') => {
    const path = Array.from({ length: count }, () => 'system.facts').join(comma)
    return (await app.inject({ url: `/trpc/${path}?batch=1&input=%7B%7D` })).statusCode
  }
  expect([await statusOf(21), await statusOf(21, '%2C'), begun]).toEqual([400, 400, 0])
  expect([(await statusOf(20)) === 400, begun]).toEqual([false, 1])
  await app.close()
})
