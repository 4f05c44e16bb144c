import { unstable_doesMiddlewareMatch } from 'next/experimental/testing/server.js'
import { expect, test } from 'vitest'
import { DELETE, GET, PATCH, POST, PUT } from './app/api/[...rest]/route.ts'
import { config } from './proxy.ts'

test.each([
  ['/', true],
  ['/instances', true],
  ['/icon', true],
  ['/iconography', true],
  ['/icon.svg/x', true],
  ['/favicon', true],
  ['/favicon.ico', true],
  ['/api', true],
  ['/apiary', true],
  ['/icon.svg', false],
  ['/icon.svg?hash', false],
  ['/api/token', false],
  ['/_next/static/x.js', false],
])('%s has the Host check and the policy of a page: %s', (url, matches) =>
  expect(unstable_doesMiddlewareMatch({ config, nextConfig: {}, url })).toBe(matches),
)

test.each([DELETE, GET, PATCH, POST, PUT])('%# of an unknown address below /api/ is no page', async (ask) => {
  const answer = ask()
  expect(answer.status).toBe(404)
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(await answer.json()).toMatchObject({ error: { data: { cloud: { code: 'not_found' } } } })
})
