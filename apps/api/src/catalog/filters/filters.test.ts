import type { FastifyInstance, InjectOptions } from 'fastify'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { deleteProject } from '../../directory/projects/deletion.ts'
import { testCloud, testFacade, testUser } from '../../identity/testing.ts'
import { issueToken, type ScopeWish } from '../../identity/tokens.ts'
import { type Ctx, inTransaction, systemCtx } from '../../kernel/context.ts'
import { statementsDuring } from '../../plans.testing.ts'
import '../../register.ts'

/** Tests of OS-EP-FILTER: every token of a project shows the endpoints with which the project is associated. */

let cloud: Awaited<ReturnType<typeof testCloud>>
let ctx: Ctx
let app: FastifyInstance
let admin: string
let user: Awaited<ReturnType<typeof testUser>>
beforeAll(async () => {
  cloud = await testCloud()
  ctx = systemCtx(cloud.deps, 'test')
  app = await testFacade(cloud.deps)
  const { id: userId } = await cloud.deps.root.user.findFirstOrThrow({ where: { name: 'admin' } })
  admin = await tokenOf(userId, { kind: 'system' })
})
beforeEach(async () => {
  user = await testUser(cloud.deps)
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

const base = 'http://cloud.test/identity/v3/OS-EP-FILTER'
const tokenOf = async (userId: string, scope: ScopeWish) =>
  (await inTransaction(ctx, (tx) => issueToken(tx, { userId, scope, methods: ['password'] }))).text
async function send(method: InjectOptions['method'], path: string, payload?: object, as = admin) {
  const url = `/identity/v3${path}`
  const headers = { 'x-auth-token': as, 'x-subject-token': as }
  const answer = await app.inject({ method, url, headers, payload })
  return { status: answer.statusCode, json: answer.body === '' ? null : answer.json() }
}
const filter = (method: InjectOptions['method'], path: string, payload?: object) =>
  send(method, `/OS-EP-FILTER${path}`, payload)
async function aGroup(filters: object): Promise<string> {
  const made = await filter('POST', '/endpoint_groups', { endpoint_group: { name: 'group', filters } })
  expect(made.status).toBe(201)
  return made.json.endpoint_group.id
}
async function aService(type: string, ...endpoints: object[]) {
  const { id } = (await send('POST', '/services', { service: { type } })).json.service
  const points = []
  for (const more of endpoints) {
    const endpoint = { interface: 'public', url: `http://${type}/`, service_id: id, ...more }
    points.push((await send('POST', '/endpoints', { endpoint })).json.endpoint.id as string)
  }
  return { id: id as string, points }
}
type Entry = { id: string; endpoints: { id: string; interface: string }[] }
/** The ids of the endpoints in a token of the user, which are the same in all answers that show them. */
async function seen(scope: ScopeWish = { kind: 'project', projectId: user.projectId }): Promise<string[]> {
  const token = await tokenOf(user.userId, scope)
  const own: Entry[] = (await send('GET', '/auth/catalog', undefined, token)).json.catalog
  expect((await send('GET', '/auth/tokens', undefined, token)).json.token.catalog).toEqual(own)
  return own.flatMap((entry) => entry.endpoints.map((endpoint) => endpoint.id))
}
const idsOf = (rows: { id: string }[]) => rows.map((row) => row.id)

test('endpoint groups are stored as they were sent', async () => {
  const filters = { interface: 'public', region_id: null, service_id: 'x' }
  const wish = { name: 'mine', description: 'my own', filters }
  const made = await filter('POST', '/endpoint_groups', { endpoint_group: wish })
  const group = made.json.endpoint_group
  expect([made.status, group]).toEqual([
    201,
    {
      ...wish,
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      links: { self: `${base}/endpoint_groups/${group.id}` },
    },
  ])
  expect((await filter('GET', `/endpoint_groups/${group.id}`)).json).toEqual({ endpoint_group: group })
  expect((await filter('GET', '/endpoint_groups?name=mine')).json.endpoint_groups).toEqual([group])
  const change = { endpoint_group: { filters: { interface: 'admin' } } }
  expect((await filter('PATCH', `/endpoint_groups/${group.id}`, change)).json.endpoint_group).toEqual({
    ...group,
    filters: { interface: 'admin' },
  })
  for (const bad of [
    { ...wish, filters: {} },
    { ...wish, filters: { enabled: true } },
    { ...wish, filters: { interface: 'secret' } },
    { name: 'x' },
    { filters },
    { ...wish, colour: 'green' },
  ])
    expect((await filter('POST', '/endpoint_groups', { endpoint_group: bad })).status).toBe(400)
  const everything = { endpoint_group: { filters: {} } }
  expect((await filter('PATCH', `/endpoint_groups/${group.id}`, everything)).status).toBe(400)
  expect((await filter('DELETE', `/endpoint_groups/${group.id}`)).status).toBe(204)
  expect((await filter('GET', `/endpoint_groups/${group.id}`)).status).toBe(404)
})

test('a project sees only the endpoints with which it is associated, and all endpoints when it has no association', async () => {
  const dns = await aService('dns', {}, { interface: 'internal' }, { enabled: false })
  const all = await seen()
  expect(all).toEqual(expect.arrayContaining(dns.points.slice(0, 2)))
  const [first = '', second = '', off = ''] = dns.points
  const at = (id: string) => `/projects/${user.projectId}/endpoints/${id}`
  expect((await filter('GET', at(first))).status).toBe(404)
  expect((await filter('PUT', at(first))).status).toBe(204)
  const again = await filter('PUT', at(first))
  expect([again.status, again.json.error.message]).toEqual([409, expect.stringContaining('Duplicate entry')])
  expect((await filter('GET', at(first))).status).toBe(204)
  // A service without a visible endpoint is not in the catalog.
  expect(await seen()).toEqual([first])
  const token = await tokenOf(user.userId, { kind: 'project', projectId: user.projectId })
  const { catalog } = (await send('GET', '/auth/catalog', undefined, token)).json
  expect(idsOf(catalog)).toEqual([dns.id])
  const { projects } = (await filter('GET', `/endpoints/${first}/projects`)).json
  expect(projects).toEqual([expect.objectContaining({ id: user.projectId, is_domain: false })])

  // A group adds one of the cloud's own endpoints.
  const [own] = (await send('GET', '/services?type=identity')).json.services
  const group = await aGroup({ service_id: own.id, interface: 'public' })
  const of = `/endpoint_groups/${group}/projects/${user.projectId}`
  expect((await filter('GET', of)).status).toBe(404)
  expect((await filter('PUT', of)).status).toBe(204)
  expect((await filter('PUT', of)).status).toBe(409)
  expect((await filter('GET', of)).json.project_endpoint_group).toEqual({
    endpoint_group_id: group,
    project_id: user.projectId,
    links: { self: `${base}${of}` },
  })
  const both = await seen()
  expect(both).toHaveLength(2)
  const listed = (await filter('GET', `/projects/${user.projectId}/endpoints`)).json.endpoints
  expect(idsOf(listed).toSorted()).toEqual(both.toSorted())
  const [inGroup, ...rest] = (await filter('GET', `/endpoint_groups/${group}/endpoints`)).json.endpoints
  expect([both.includes(inGroup.id), rest]).toEqual([true, []])
  expect(
    idsOf((await filter('GET', `/projects/${user.projectId}/endpoint_groups`)).json.endpoint_groups),
  ).toEqual([group])
  expect(idsOf((await filter('GET', `/endpoint_groups/${group}/projects`)).json.projects)).toEqual([
    user.projectId,
  ])
  // Other projects are not affected.
  const other = await testUser(cloud.deps)
  const theirs = await tokenOf(other.userId, { kind: 'project', projectId: other.projectId })
  const whole: Entry[] = (await send('GET', '/auth/catalog', undefined, theirs)).json.catalog
  expect(whole.flatMap((entry) => entry.endpoints)).toHaveLength(all.length)

  expect((await filter('DELETE', of)).status).toBe(204)
  expect((await filter('DELETE', of)).status).toBe(404)
  await filter('PUT', at(second))
  await filter('DELETE', at(first))
  expect(await seen()).toEqual([second])
  // A disabled endpoint is not visible, but its association still counts.
  await filter('PUT', at(off))
  await filter('DELETE', at(second))
  expect(await seen()).toEqual([])
  expect((await filter('DELETE', at(off))).status).toBe(204)
  expect((await filter('DELETE', at(off))).status).toBe(404)
  expect((await seen()).toSorted()).toEqual(all.toSorted())
})

test('associations are deleted with their endpoint, group or service', async () => {
  const { id, points } = await aService('mail', {}, { interface: 'internal' })
  const all = await seen()
  const group = await aGroup({ service_id: id })
  await filter('PUT', `/endpoint_groups/${group}/projects/${user.projectId}`)
  expect(await seen()).toEqual(points)
  await filter('DELETE', `/endpoint_groups/${group}`)
  expect((await seen()).length).toBe(all.length)
  await filter('PUT', `/projects/${user.projectId}/endpoints/${points[0]}`)
  await filter('PUT', `/projects/${user.projectId}/endpoints/${points[1]}`)
  await send('DELETE', `/endpoints/${points[0]}`)
  expect(await seen()).toEqual([points[1]])
  await send('DELETE', `/services/${id}`)
  expect((await seen()).length).toBe(all.length - 2)
  expect(await cloud.deps.root.projectEndpoint.count({ where: { projectId: user.projectId } })).toBe(0)
})

test('a project that is being deleted gets no association', async () => {
  const { points } = await aService('metering', {})
  const [first = ''] = points
  const at = `/projects/${user.projectId}/endpoints/${first}`
  const group = await aGroup({ interface: 'public' })
  const of = `/endpoint_groups/${group}/projects`
  expect((await filter('PUT', at)).status).toBe(204)
  expect((await filter('PUT', `${of}/${user.projectId}`)).status).toBe(204)
  await deleteProject(ctx, { id: user.projectId })
  for (const method of ['GET', 'PUT'] as const)
    for (const path of [at, `${of}/${user.projectId}`])
      expect([method, path, (await filter(method, path)).status]).toEqual([method, path, 404])
  for (const path of [of, `/endpoints/${first}/projects`])
    expect((await filter('GET', path)).json.projects).toEqual([])
  expect((await filter('GET', `/projects/${user.projectId}/endpoints`)).status).toBe(404)
})

test.each([
  ['PUT', '/projects/nope/endpoints/nope'],
  ['PUT', '/endpoint_groups/nope/projects/nope'],
  ['GET', '/endpoints/nope/projects'],
  ['GET', '/projects/nope/endpoints'],
  ['GET', '/endpoint_groups/nope/endpoints'],
] as const)('%s %s answers 404', async (method, path) => {
  expect((await filter(method, path)).status).toBe(404)
})

test('the catalog of a token takes one query, whatever the project is associated with', async () => {
  const [own] = (await send('GET', '/services?type=identity')).json.services
  const scope = { kind: 'project', projectId: user.projectId } as const
  const asked = async () => {
    const token = await tokenOf(user.userId, scope)
    const statements = await statementsDuring(async () => {
      expect((await send('GET', '/auth/catalog', undefined, token)).status).toBe(200)
    })
    return [...statements].filter(([text]) => text.includes('"Catalog')).length
  }
  expect(await asked()).toBe(1)
  for (const kind of ['public', 'internal', 'admin']) {
    const group = await aGroup({ service_id: own.id, interface: kind })
    await filter('PUT', `/endpoint_groups/${group}/projects/${user.projectId}`)
  }
  expect(await asked()).toBe(1)
})
