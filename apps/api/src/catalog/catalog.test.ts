import type { FastifyInstance, InjectOptions } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testCloud, testFacade } from '../identity/testing.ts'
import { issueToken, type ScopeWish } from '../identity/tokens.ts'
import { type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import '../register.ts'

/** Tests that services which administrators add appear beside the cloud's own, in lists and in every token. */

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let app: FastifyInstance
let userId: string
let projectId: string
let token: string
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  app = await testFacade(deps)
  userId = (await deps.root.user.findFirstOrThrow({ where: { name: 'admin' } })).id
  projectId = (await deps.root.project.findFirstOrThrow({ where: { name: 'admin' } })).id
  token = await tokenIn({ kind: 'project', projectId })
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

const base = 'http://cloud.test/identity/v3'
const tokenIn = async (scope: ScopeWish) =>
  (
    await inTransaction(systemCtx(deps, 'test'), (tx) =>
      issueToken(tx, { userId, scope, methods: ['password'] }),
    )
  ).text
async function send(method: InjectOptions['method'], path: string, payload?: object, as = token) {
  const url = `/identity/v3${path}`
  const headers = { 'x-auth-token': as, 'x-subject-token': as }
  const answer = await app.inject({ method, url, headers, ...(payload ? { payload } : {}) })
  return { status: answer.statusCode, json: answer.body === '' ? null : answer.json() }
}
const endpoint = (more: object) => ({ endpoint: { interface: 'public', url: 'http://x/', ...more } })
type Entry = { id: string; type: string; endpoints: { url: string; region: string | null }[] }
/** The catalog of a token, which is the same in both answers that show it. */
async function catalog(as = token): Promise<Entry[]> {
  const own = (await send('GET', '/auth/catalog', undefined, as)).json.catalog
  expect((await send('GET', '/auth/tokens', undefined, as)).json.token.catalog).toEqual(own)
  return own
}
const entryOf = async (id: string, as = token) => (await catalog(as)).find((entry) => entry.id === id)

test('an added service and its endpoints are in every token until they are deleted', async () => {
  const body = { service: { type: 'dns', name: 'designate', description: 'names', enabled: true } }
  const made = await send('POST', '/services', body)
  const { id } = made.json.service
  expect([made.status, made.json.service]).toEqual([
    201,
    {
      name: 'designate',
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      type: 'dns',
      description: 'names',
      enabled: true,
      links: { self: `${base}/services/${id}` },
    },
  ])
  expect(await entryOf(id)).toEqual({ endpoints: [], id, type: 'dns', name: 'designate' })
  const url = 'http://dns.test/%(project_id)s/$(tenant_id)s/%(user_id)s'
  const added = await send('POST', '/endpoints', endpoint({ service_id: id, url, region: 'far away' }))
  const point = added.json.endpoint
  expect([added.status, point]).toEqual([
    201,
    {
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      interface: 'public',
      region_id: 'far away',
      service_id: id,
      url,
      enabled: true,
      region: 'far away',
      links: { self: `${base}/endpoints/${point.id}` },
    },
  ])
  // The old attribute `region` makes the region; the new attribute `region_id` needs an existing region.
  expect((await send('GET', '/regions/far%20away')).json.region).toEqual({
    id: 'far away',
    description: '',
    parent_region_id: null,
    links: { self: `${base}/regions/far%20away` },
  })
  expect((await send('POST', '/endpoints', endpoint({ service_id: id, region_id: 'nowhere' }))).status).toBe(
    400,
  )
  expect((await send('POST', '/endpoints', endpoint({ service_id: 'nope' }))).status).toBe(400)
  expect((await entryOf(id))?.endpoints).toEqual([
    {
      id: point.id,
      interface: 'public',
      region_id: 'far away',
      url: `http://dns.test/${projectId}/${projectId}/${userId}`,
      region: 'far away',
    },
  ])
  // In a token without a project, endpoints whose address needs a project are missing.
  expect((await entryOf(id, await tokenIn({ kind: 'system' })))?.endpoints).toEqual([])
  expect((await send('GET', `/endpoints?service_id=${id}&interface=public`)).json.endpoints).toEqual([point])
  expect((await send('GET', '/services?type=dns')).json.services).toEqual([made.json.service])
  await send('PATCH', `/endpoints/${point.id}`, { endpoint: { enabled: false } })
  expect((await entryOf(id))?.endpoints).toEqual([])
  await send('PATCH', `/services/${id}`, { service: { enabled: false } })
  expect(await entryOf(id)).toBeUndefined()
  expect((await send('DELETE', '/regions/far%20away')).status).toBe(403)
  expect((await send('DELETE', `/services/${id}`)).status).toBe(204)
  expect((await send('GET', `/endpoints/${point.id}`)).status).toBe(404)
  expect((await send('DELETE', '/regions/far%20away')).status).toBe(204)
})

test('an endpoint in another region can be added to one of the cloud’s own services', async () => {
  const before = (await catalog()).find((entry) => entry.type === 'identity')
  await send('POST', '/regions', { region: { id: 'two', enabled: true } })
  const body = endpoint({ service_id: before?.id, region_id: 'two', url: 'https://two.test/identity/v3' })
  const { id } = (await send('POST', '/endpoints', body)).json.endpoint
  const after = await entryOf(before?.id ?? '')
  expect(after?.endpoints.length).toBe((before?.endpoints.length ?? 0) + 1)
  expect(after?.endpoints.at(-1)).toMatchObject({ region: 'two', url: 'https://two.test/identity/v3' })
  await send('DELETE', `/endpoints/${id}`)
  expect(await entryOf(before?.id ?? '')).toEqual(before)
})

test('the cloud’s own services, endpoints and region cannot be changed', async () => {
  const [service] = (await send('GET', '/services?type=identity')).json.services
  const [point] = (await send('GET', `/endpoints?service_id=${service.id}`)).json.endpoints
  for (const [path, body] of [
    [`/services/${service.id}`, { service: { name: 'x' } }],
    [`/endpoints/${point.id}`, { endpoint: { url: 'http://evil.test/' } }],
    ['/regions/RegionOne', { region: { description: 'x' } }],
  ] as const) {
    const changed = await send('PATCH', path, body)
    expect([changed.status, changed.json.error.message]).toEqual([403, expect.stringMatching(/cloud's own/)])
    expect((await send('DELETE', path)).status).toBe(403)
  }
})

test('a region that is made by PUT has the id in its address', async () => {
  const put = (id: string, region: object) => send('PUT', `/regions/${id}`, { region })
  const made = await put('put%20here', { description: 'd', id: 'put here' })
  expect([made.status, made.json.region]).toEqual([
    201,
    {
      id: 'put here',
      description: 'd',
      parent_region_id: null,
      links: { self: `${base}/regions/put%20here` },
    },
  ])
  expect((await send('GET', '/regions/put%20here')).json).toEqual(made.json)
  const again = await put('put%20here', {})
  expect([again.status, again.json.error.message]).toEqual([
    409,
    'Conflict occurred attempting to store region - Duplicate ID, put here.',
  ])
  expect((await put('RegionOne', {})).status).toBe(409)
  const other = await put('one', { id: 'two' })
  expect([other.status, other.json.error.message]).toEqual([
    400,
    'Conflicting region IDs specified: "one" != "two"',
  ])
  expect((await put('x', { parent_region_id: 'none' })).status).toBe(404)
})

test('regions form a tree without circles, may have spaces in their ids, and get an id when none is given', async () => {
  const made = async (body: object) => (await send('POST', '/regions', { region: body })).json.region
  const top = await made({ id: 'top of all', description: null })
  const below = await made({ parent_region_id: top.id })
  expect(below).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{32}$/), parent_region_id: 'top of all' })
  expect((await send('POST', '/regions', { region: { parent_region_id: 'none' } })).status).toBe(404)
  const circle = await send('PATCH', '/regions/top%20of%20all', { region: { parent_region_id: below.id } })
  expect(circle.status).toBe(400)
  const listed = await send('GET', '/regions?parent_region_id=top%20of%20all')
  expect(listed.json.regions).toEqual([below])
  expect((await send('DELETE', '/regions/top%20of%20all')).status).toBe(204)
  expect((await send('GET', `/regions/${below.id}`)).status).toBe(404)
})

test.each([
  'javascript:alert(1)',
  'ftp://x/',
  '/relative',
  'http://x/%(admin_token)s',
  'http://x/%(project_id',
  'http://x/$(cat)s',
  'http://x/ y',
  'http://x/"><script>',
  'http://',
])('OSSA-2014-029: the address %j is refused', async (url) => {
  const [service] = (await send('GET', '/services')).json.services
  expect((await send('POST', '/endpoints', endpoint({ service_id: service.id, url }))).status).toBe(400)
})
