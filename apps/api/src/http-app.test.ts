import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { frontDoor } from './gateway.ts'
import { newApp } from './http-app.ts'
import type { Deps } from './kernel/context.ts'
import { testDeps } from './kernel/testing.ts'
import { openstackRoutes } from './openstack/mount.ts'
import './register.ts'

/** Tests of the front door as main.ts builds it, in front of a portal that returns the headers that it gets. */

let database: Awaited<ReturnType<typeof testDeps>>
const portal = Fastify()
portal.all('/*', async (request) => request.headers)
const open: FastifyInstance[] = [portal]
beforeAll(async () => {
  database = await testDeps()
  await portal.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  for (const app of open.reverse()) await app.close()
  await database.close()
})

async function door(trustedProxies: string[] = [], webUrl = portal.listeningOrigin) {
  const config = {
    ...database.deps.config,
    publicUrl: 'http://cloud.example:8080',
    webUrl,
    trustedProxies,
    frontSecret: 'the-front-door',
  }
  const deps: Deps = { ...database.deps, config }
  const app = newApp(deps, trustedProxies)
  app.get('/whoami', async (request) => ({ ip: request.ip }))
  app.get('/stream', async (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.end('data: x\n\n')
  })
  await app.register(openstackRoutes(deps))
  await frontDoor(app, config)
  open.push(app)
  return app
}

const claims = {
  host: 'cloud.example:8080',
  'x-forwarded-for': '6.6.6.6, 203.0.113.9, 10.1.2.3',
  'x-forwarded-host': 'cloud.public.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '1',
  'x-real-ip': '6.6.6.6',
  forwarded: 'for=6.6.6.6',
  'x-stratolith-source': '6.6.6.6',
  'x-stratolith-door': '6.6.6.6',
  connection: 'x-stratolith-door, x-forwarded-for',
}

describe('the caller’s address', () => {
  test('comes from the connection alone without trusted proxies', async () => {
    const app = await door()
    const from = { headers: claims, remoteAddress: '198.51.100.1' }
    const { headers: _, ...seen } = (await app.inject({ url: '/instances', ...from })).json()
    expect(seen).toMatchObject({
      'x-forwarded-for': '198.51.100.1',
      'x-forwarded-host': 'cloud.example:8080',
      'x-forwarded-proto': 'http',
    })
    expect(JSON.stringify(seen)).not.toMatch(/6\.6\.6\.6|public/)
    expect(seen).not.toHaveProperty('x-forwarded-port')
    expect((await app.inject({ url: '/whoami', ...from })).json()).toEqual({ ip: '198.51.100.1' })
  })

  test('comes from trusted proxies and those in front of them, but from no hop before an untrusted one', async () => {
    const app = await door(['192.0.2.10', '10.0.0.0/8'])
    const from = { headers: claims, remoteAddress: '192.0.2.10' }
    expect((await app.inject({ url: '/instances', ...from })).json()).toMatchObject({
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-host': 'cloud.public.example',
      'x-forwarded-proto': 'https',
    })
    expect((await app.inject({ url: '/whoami', ...from })).json()).toEqual({ ip: '203.0.113.9' })
  })

  test('does not come from headers of untrusted callers, also when there are trusted proxies', async () => {
    const app = await door(['192.0.2.10', '10.0.0.0/8'])
    const from = { headers: claims, remoteAddress: '192.0.2.11' }
    const seen = (await app.inject({ url: '/instances', ...from })).json()
    expect(seen).toMatchObject({
      'x-forwarded-for': '192.0.2.11',
      'x-forwarded-host': 'cloud.example:8080',
      'x-forwarded-proto': 'http',
    })
    expect(JSON.stringify(seen)).not.toMatch(/6\.6\.6\.6|public/)
  })
})

test('the front door proves itself to the portal, whatever the caller says', async () => {
  const app = await door()
  for (const headers of [{}, claims])
    expect((await app.inject({ url: '/instances', headers })).json()).toMatchObject({
      'x-stratolith-door': 'the-front-door',
      'x-forwarded-for': '127.0.0.1',
    })
})

test.each([
  ['of the caller', [], { host: 'a"x' }],
  ['of a trusted proxy', ['127.0.0.1'], { ...claims, 'x-forwarded-host': 'a"x' }],
])('a malformed host %s gets 400', async (_, trusted, headers) => {
  const app = await door(trusted)
  for (const url of ['/instances', '/api/auth/csrf', '/sign-in']) {
    const answer = await app.inject({ url, headers })
    expect([answer.statusCode, answer.body]).toEqual([400, expect.stringMatching(/not a host name/)])
  }
})

test('no answer lets a browser guess its type', async () => {
  const [app, alone] = [await door(), await door([], 'http://127.0.0.1:1')]
  const asked: [FastifyInstance, 'GET' | 'PATCH', string, number][] = [
    [app, 'GET', '/identity/v3', 200],
    [app, 'GET', '/compute/', 200],
    [app, 'GET', '/image/', 300],
    [app, 'GET', '/image/v2/images', 401],
    [app, 'GET', '/compute/v2.1/nothing', 404],
    [app, 'PATCH', '/identity/v3', 405],
    [app, 'GET', '/compute/v2.1/servers/%E0%A4%A', 400],
    [app, 'GET', '/%E0%A4%A', 400],
    [app, 'GET', '/healthz', 200],
    [app, 'GET', '/stream', 200],
    [app, 'GET', '/instances', 200],
    [alone, 'GET', '/instances', 503],
  ]
  for (const [door, method, url, status] of asked) {
    const answer = await door.inject({ method, url })
    expect([url, answer.statusCode, answer.headers['x-content-type-options']]).toEqual([
      url,
      status,
      'nosniff',
    ])
  }
})
