import { unstable_doesMiddlewareMatch } from 'next/experimental/testing/server.js'
import { NextRequest } from 'next/server.js'
import { expect, test, vi } from 'vitest'
import { DELETE, GET, PATCH, POST, PUT } from './app/api/[...rest]/route.ts'
import { proofHeader } from './identity/server/front-door.ts'
import { config, proxy } from './proxy.ts'

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

test('pages are told the name under which the browser sees the cloud, by the front door alone', async () => {
  vi.stubEnv('STRATOLITH_FRONT_SECRET', 'proof')
  const told = async (headers: Record<string, string>) =>
    (await proxy(new NextRequest('http://127.0.0.1:3000/sign-in', { headers }))).headers.get(
      'x-middleware-request-x-portal-host',
    )
  const said = {
    host: '127.0.0.1:3000',
    'x-forwarded-host': 'cloud.example',
    'x-portal-host': 'forged.example',
  }
  expect(await told({ ...said, [proofHeader]: 'proof' })).toBe('cloud.example')
  expect(await told(said)).toBe('127.0.0.1:3000')
  vi.unstubAllEnvs()
})
