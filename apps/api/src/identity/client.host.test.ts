import type { AddressInfo } from 'node:net'
import { execa } from 'execa'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { adminPassword, demoPassword, testCloud, testFacade } from './testing.ts'
import '../register.ts'

/** The stock client of Debian 12 (python3-openstackclient 6.0) against a listening server. */

let cloud: Awaited<ReturnType<typeof testCloud>>
let app: FastifyInstance
let url: string
beforeAll(async () => {
  cloud = await testCloud()
  app = await testFacade(cloud.deps)
  await app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  // Links and the catalog are computed at use, so the port may be known this late.
  cloud.deps.config.publicUrl = url
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

type Who = 'admin' | 'demo'
async function openstack(who: Who, args: string[], authUrl = `${url}/identity/v3`) {
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    OS_AUTH_URL: authUrl,
    OS_USERNAME: who,
    OS_PASSWORD: who === 'admin' ? adminPassword : demoPassword,
    OS_PROJECT_NAME: who,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_IDENTITY_API_VERSION: '3',
    OS_REGION_NAME: 'RegionOne',
  }
  return execa('/usr/bin/openstack', args, { env, extendEnv: false, reject: false })
}
async function run(who: Who, ...args: string[]): Promise<unknown> {
  const result = await openstack(who, [...args, '-f', 'json'])
  expect(result.exitCode, `${args.join(' ')}: ${result.stderr}`).toBe(0)
  return JSON.parse(result.stdout)
}

test.each(['/identity/v3', '/identity/v3/', '/identity', '/identity/'])(
  'token issue works with %s',
  async (path) => {
    const result = await openstack('admin', ['token', 'issue', '-f', 'json'], url + path)
    expect(result.exitCode, result.stderr).toBe(0)
    const token = JSON.parse(result.stdout)
    expect(token).toMatchObject({
      id: expect.stringMatching(/^slt_/),
      project_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
  },
)
test('token revoke ends the token', async () => {
  const token = (await run('demo', 'token', 'issue')) as { id: string }
  const headers = { 'x-auth-token': token.id }
  expect((await fetch(`${url}/identity/v3/auth/catalog`, { headers })).status).toBe(200)
  const revoked = await openstack('demo', ['token', 'revoke', token.id])
  expect(revoked.exitCode, revoked.stderr).toBe(0)
  expect((await fetch(`${url}/identity/v3/auth/catalog`, { headers })).status).toBe(401)
})
test('catalog list and show name the identity service', async () => {
  const list = (await run('demo', 'catalog', 'list')) as {
    Name: string
    Type: string
    Endpoints: { url: string }[]
  }[]
  const keystone = list.find((s) => s.Type === 'identity')
  expect(keystone?.Name).toBe('keystone')
  expect(keystone?.Endpoints.map((e) => e.url)).toEqual(Array(3).fill(`${url}/identity/v3`))
  expect(await run('demo', 'catalog', 'show', 'identity')).toMatchObject({ type: 'identity' })
})
test('endpoint, service and region list show the identity service', async () => {
  const endpoints = (await run('admin', 'endpoint', 'list')) as {
    Interface: string
    'Service Type': string
  }[]
  expect(
    endpoints
      .filter((e) => e['Service Type'] === 'identity')
      .map((e) => e.Interface)
      .sort(),
  ).toEqual(['admin', 'internal', 'public'])
  expect(await run('admin', 'service', 'list')).toContainEqual({
    ID: expect.any(String),
    Name: 'keystone',
    Type: 'identity',
  })
  expect(await run('admin', 'service', 'show', 'identity')).toMatchObject({ name: 'keystone', enabled: true })
  expect(await run('admin', 'region', 'list')).toMatchObject([{ Region: 'RegionOne' }])
})
test('project, user, role and domain commands show what the caller may see', async () => {
  const names = (rows: unknown) => (rows as { Name: string }[]).map((r) => r.Name).sort()
  expect(names(await run('admin', 'project', 'list'))).toEqual(['admin', 'demo'])
  expect(names(await run('demo', 'project', 'list'))).toEqual(['demo'])
  expect(await run('admin', 'project', 'show', 'demo')).toMatchObject({ name: 'demo', domain_id: 'default' })
  expect(await run('demo', 'project', 'show', 'demo')).toMatchObject({ name: 'demo' })
  expect(names(await run('admin', 'user', 'list'))).toEqual(['admin', 'demo'])
  expect(await run('admin', 'user', 'show', 'demo')).toMatchObject({ name: 'demo', enabled: true })
  expect(names(await run('admin', 'role', 'list'))).toEqual(['admin', 'member', 'reader'])
  expect(names(await run('admin', 'domain', 'list'))).toEqual(['Default'])
  const assignments = (await run('admin', 'role', 'assignment', 'list', '--names')) as {
    User: string
    Role: string
  }[]
  expect(assignments).toContainEqual(
    expect.objectContaining({ User: 'demo@Default', Role: 'member', Project: 'demo@Default' }),
  )
})
test('errors are explained, and the client exits with 1', async () => {
  const nothing = await openstack('admin', ['project', 'show', 'nothing'])
  expect([nothing.exitCode, nothing.stderr]).toEqual([
    1,
    expect.stringContaining("No project with a name or ID of 'nothing' exists."),
  ])
  const forbidden = await openstack('demo', ['user', 'list'])
  expect([forbidden.exitCode, forbidden.stderr]).toEqual([1, expect.stringContaining('HTTP 403')])
})
