import type { FastifyInstance, InjectOptions } from 'fastify'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { deleteProject } from '../../directory/projects/deletion.ts'
import { createDomain, deleteDomain, updateDomain } from '../../directory/projects/domains.ts'
import { createProject } from '../../directory/projects/service.ts'
import { assignRole } from '../../directory/roles/by-name.ts'
import { createUser } from '../../directory/users/service.ts'
import { testCloud, testFacade } from '../../identity/testing.ts'
import { issueToken, type ScopeWish } from '../../identity/tokens.ts'
import { type Ctx, inTransaction, systemCtx } from '../../kernel/context.ts'
import '../../register.ts'

/** Tests of unified limits, as oslo.limit and the stock client read and write them. */

let cloud: Awaited<ReturnType<typeof testCloud>>
let ctx: Ctx
let app: FastifyInstance
let admin: string
let service: string
beforeAll(async () => {
  cloud = await testCloud()
  ctx = systemCtx(cloud.deps, 'test')
  app = await testFacade(cloud.deps)
  const { id: userId } = await cloud.deps.root.user.findFirstOrThrow({ where: { name: 'admin' } })
  admin = await tokenOf(userId, { kind: 'system' })
  const made = await send('POST', '/services', { service: { type: 'block', name: 'cinder' } })
  service = made.json.service.id
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

const tokenOf = async (userId: string, scope: ScopeWish) =>
  (await inTransaction(ctx, (tx) => issueToken(tx, { userId, scope, methods: ['password'] }))).text
async function send(method: InjectOptions['method'], path: string, payload?: object, as = admin) {
  const url = `/identity/v3${path}`
  const answer = await app.inject({ method, url, headers: { 'x-auth-token': as }, payload })
  return { status: answer.statusCode, json: answer.body === '' ? null : answer.json() }
}
const register = (...registered_limits: object[]) => send('POST', '/registered_limits', { registered_limits })
const limit = (...limits: object[]) => send('POST', '/limits', { limits })
const idsOf = (answer: { json: Record<string, { id: string }[]> }, key: string) =>
  answer.json[key]?.map((one) => one.id)

/** Makes a domain with a project, and tokens of a user there in both scopes. */
async function aDomain(name: string) {
  const { id: domainId } = await createDomain(ctx, { name })
  const { id: projectId } = await createProject(ctx, { name, domainId })
  const { id: userId } = await createUser(ctx, { name, domainId })
  await assignRole(ctx, { userId, role: 'reader', target: { projectId } })
  await assignRole(ctx, { userId, role: 'admin', target: { domainId } })
  return {
    domainId,
    projectId,
    token: await tokenOf(userId, { kind: 'project', projectId }),
    domainToken: await tokenOf(userId, { kind: 'domain', domainId }),
  }
}

test('one request registers all its limits, or none when one of them exists already', async () => {
  const wish = { service_id: service, resource_name: 'volumes', default_limit: 10, description: 'all' }
  const made = await register(wish, { ...wish, region_id: 'RegionOne', description: undefined })
  expect([made.status, Object.keys(made.json)]).toEqual([201, ['registered_limits']])
  const [one, there] = made.json.registered_limits
  expect(one).toEqual({
    ...wish,
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    region_id: null,
    links: { self: `http://cloud.test/identity/v3/registered_limits/${one.id}` },
  })
  expect(there).toMatchObject({ region_id: 'RegionOne', description: null })
  const again = await register({ ...wish, resource_name: 'snapshots' }, wish)
  expect([again.status, again.json.error.message]).toEqual([
    409,
    'Conflict occurred attempting to store registered_limit - Duplicate entry.',
  ])
  // The first limit of the refused body is not stored.
  expect((await send('GET', '/registered_limits?resource_name=snapshots')).json.registered_limits).toEqual([])
  const { registered_limits } = (await send('GET', `/registered_limits?service_id=${service}`)).json
  // The limits of one request have the same age, so their order is open.
  expect(registered_limits).toHaveLength(2)
  expect(registered_limits).toEqual(expect.arrayContaining([one, there]))
  const inRegion = await send('GET', '/registered_limits?region_id=RegionOne')
  expect(idsOf(inRegion, 'registered_limits')).toEqual([there.id])
  for (const bad of [
    { ...wish, service_id: 'nope' },
    { ...wish, region_id: 'nowhere' },
    { ...wish, default_limit: -2 },
    { ...wish, default_limit: 1.5 },
    { ...wish, default_limit: 2 ** 31 },
    { ...wish, colour: 'green' },
  ])
    expect((await register(bad)).status, JSON.stringify(bad)).toBe(400)
  expect((await register()).status).toBe(400)
  const path = `/registered_limits/${there.id}`
  const taken = await send('PATCH', path, { registered_limit: { region_id: null } })
  expect(taken.status).toBe(409)
  const same = await send('PATCH', path, {
    registered_limit: { resource_name: 'volumes', default_limit: -1 },
  })
  expect([same.status, same.json.registered_limit]).toEqual([200, { ...there, default_limit: -1 }])
  expect((await send('DELETE', path)).status).toBe(204)
  expect((await send('GET', path)).status).toBe(404)
  expect((await send('DELETE', path)).status).toBe(404)
})

test('limits of a project and of a domain are visible to their own users only', async () => {
  const [mine, theirs] = [await aDomain('mine'), await aDomain('theirs')]
  const of = { service_id: service, resource_name: 'backups' }
  const lonely = await limit({ ...of, project_id: mine.projectId, resource_limit: 1 })
  expect([lonely.status, lonely.json.error.message]).toEqual([
    403,
    'Unable to create a limit that has no corresponding registered limit.',
  ])
  const [registered] = (await register({ ...of, default_limit: 10 })).json.registered_limits
  const made = await limit(
    { ...of, project_id: mine.projectId, resource_limit: 1 },
    { ...of, domain_id: mine.domainId, resource_limit: 2, description: 'theirs' },
    { ...of, project_id: theirs.projectId, resource_limit: 3 },
  )
  expect(made.status).toBe(201)
  const [a, b, c] = made.json.limits
  expect(a).toEqual({
    ...of,
    id: a.id,
    region_id: null,
    project_id: mine.projectId,
    domain_id: null,
    resource_limit: 1,
    description: null,
    links: { self: `http://cloud.test/identity/v3/limits/${a.id}` },
  })
  expect((await limit({ ...of, project_id: mine.projectId, resource_limit: 5 })).json.error.message).toBe(
    'Conflict occurred attempting to store limit - Duplicate entry.',
  )
  // The id of a domain counts as a project's id, too.
  expect((await limit({ ...of, project_id: theirs.domainId, resource_limit: 5 })).json.limits).toMatchObject([
    { project_id: null, domain_id: theirs.domainId },
  ])
  for (const bad of [
    { project_id: mine.projectId, domain_id: mine.domainId },
    {},
    { project_id: 'nope' },
    { domain_id: 'nope' },
  ])
    expect((await limit({ ...of, ...bad, resource_limit: 1 })).status, JSON.stringify(bad)).toBe(400)

  const seenBy = async (token: string, query = '') =>
    idsOf(await send('GET', `/limits${query}`, undefined, token), 'limits')
  expect(await seenBy(mine.token)).toEqual([a.id])
  expect((await seenBy(mine.domainToken))?.toSorted()).toEqual([a.id, b.id].toSorted())
  expect(await seenBy(mine.token, `?project_id=${theirs.projectId}`)).toEqual([])
  expect(await seenBy(admin, `?domain_id=${mine.domainId}&resource_name=backups`)).toEqual([b.id])
  expect(await seenBy(admin, `?project_id=${theirs.projectId}&service_id=${service}`)).toEqual([c.id])
  expect(await seenBy(admin, '?region_id=RegionOne')).toEqual([])
  expect((await send('GET', `/limits/${c.id}`, undefined, mine.token)).status).toBe(404)
  expect((await send('GET', `/limits/${b.id}`, undefined, mine.domainToken)).json.limit).toEqual(b)

  const none = await send('PATCH', `/limits/${a.id}`, { limit: { resource_limit: 0, description: 'none' } })
  expect([none.status, none.json.limit]).toEqual([200, { ...a, resource_limit: 0, description: 'none' }])
  expect((await send('PATCH', `/limits/${a.id}`, { limit: { project_id: theirs.projectId } })).status).toBe(
    400,
  )
  // A registered limit cannot be changed while a project or domain has a limit of it.
  const path = `/registered_limits/${registered.id}`
  for (const refused of [
    await send('PATCH', path, { registered_limit: { default_limit: 1 } }),
    await send('DELETE', path),
    await send('DELETE', `/services/${service}`),
  ])
    expect([refused.status, refused.json.error.message]).toEqual([403, expect.stringContaining('limit')])

  // The limits of a domain and of its projects are deleted with the domain.
  await updateDomain(ctx, { id: mine.domainId, enabled: false })
  await deleteDomain(ctx, { id: mine.domainId })
  for (const { id } of [a, b]) expect((await send('GET', `/limits/${id}`)).status).toBe(404)
  expect((await send('DELETE', `/limits/${c.id}`)).status).toBe(204)
})

test('a project that is being deleted gets no limit', async () => {
  const { id } = await createProject(ctx, { name: 'going' })
  const what = { service_id: service, resource_name: 'going' }
  await register({ ...what, default_limit: 1 })
  await deleteProject(ctx, { id })
  expect((await limit({ ...what, project_id: id, resource_limit: 2 })).status).toBe(400)
})

test('a request with many limits takes as many statements as one with two', async () => {
  const statements = async (count: number) => {
    const domainId = (await aDomain(`of ${count}`)).domainId
    const projects: string[] = []
    for (let i = 0; i < count; i++) projects.push((await createProject(ctx, { name: `p${i}`, domainId })).id)
    const what = projects.map((_, i) => ({ service_id: service, resource_name: `of ${count}: ${i}` }))
    const spy = vi.spyOn(pg.Client.prototype, 'query')
    try {
      expect((await register(...what.map((one) => ({ ...one, default_limit: 1 })))).status).toBe(201)
      const wishes = what.map((one, i) => ({ ...one, project_id: projects[i], resource_limit: 1 }))
      const made = await limit(...wishes)
      expect(made.json.limits).toMatchObject(wishes)
      return spy.mock.calls.length
    } finally {
      spy.mockRestore()
    }
  }
  expect(await statements(9)).toBe(await statements(2))
})

test('the enforcement model is `flat`', async () => {
  expect((await send('GET', '/limits/model')).json).toEqual({
    model: {
      name: 'flat',
      description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
    },
  })
})

test('a region with registered limits cannot be deleted', async () => {
  await send('POST', '/regions', { region: { id: 'two' } })
  const wish = { service_id: service, resource_name: 'gigabytes', default_limit: 1, region_id: 'two' }
  const [{ id }] = (await register(wish)).json.registered_limits
  expect((await send('DELETE', '/regions/two')).status).toBe(403)
  await send('DELETE', `/registered_limits/${id}`)
  expect((await send('DELETE', '/regions/two')).status).toBe(204)
})
