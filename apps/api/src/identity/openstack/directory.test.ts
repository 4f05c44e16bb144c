import type { FastifyInstance, InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Deps, inTransaction, systemCtx } from '../../kernel/context.ts'
import { hexId, runPending } from '../../kernel/testing.ts'
import { assignRole } from '../roles/by-name.ts'
import { testCloud, testFacade } from '../testing.ts'
import { issueToken, type ScopeWish } from '../tokens.ts'
import { createUser } from '../users/service.ts'
import '../../catalog/register.ts'

/** Bodies, codes and words of the directory as a real Zed cloud has them (values are this cloud's own). */

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let app: FastifyInstance
let admin: string
let projectId: string
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  app = await testFacade(deps)
  projectId = (await deps.root.project.findFirstOrThrow({ where: { name: 'demo' } })).id
  const adminProject = await deps.root.project.findFirstOrThrow({ where: { name: 'admin' } })
  admin = await tokenOf('admin', { kind: 'project', projectId: adminProject.id })
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

const base = 'http://cloud.test/identity/v3'
const name = (what: string) => `${what}-${hexId().slice(0, 8)}`

async function tokenOf(role: string, scope: ScopeWish): Promise<string> {
  const ctx = systemCtx(deps, 'test')
  const user = await createUser(ctx, { name: name('u') })
  const target =
    scope.kind === 'project'
      ? { projectId: scope.projectId }
      : scope.kind === 'domain'
        ? { domainId: scope.domainId }
        : ({ system: true } as const)
  await assignRole(ctx, { userId: user.id, role, target })
  const wish = { userId: user.id, scope, methods: ['password'] }
  return (await inTransaction(ctx, (tx) => issueToken(tx, wish))).text
}

/** A request of the administrator (or of another token); answers status, body and headers. */
async function send(method: InjectOptions['method'], path: string, payload?: object, token = admin) {
  const answer = await app.inject({
    method,
    url: `/identity/v3${path}`,
    headers: { 'x-auth-token': token },
    ...(payload ? { payload } : {}),
  })
  const { statusCode: status, body, headers } = answer
  return { status, body, headers, json: body === '' ? null : JSON.parse(body) }
}
const created = async (path: string, key: string, body: object) => {
  const answer = await send('POST', path, { [key]: body })
  expect([answer.status, answer.body.slice(0, 300)]).toEqual([201, expect.any(String)])
  return answer.json[key]
}
const keys = (value: object) => Object.keys(value)

describe('error words', () => {
  test('404, 409 and 400 of a user, as recorded', async () => {
    expect((await send('GET', '/users/nope')).body).toBe(
      '{"error":{"code":404,"message":"Could not find user: nope.","title":"Not Found"}}',
    )
    expect((await send('POST', '/users', { user: { name: 'admin' } })).body).toBe(
      '{"error":{"code":409,"message":"Conflict occurred attempting to store user - Duplicate entry found with name admin at domain ID default.","title":"Conflict"}}',
    )
    const empty = await send('POST', '/users', { user: {} })
    expect([empty.status, empty.json.error.message]).toEqual([
      400,
      expect.stringMatching(/^'name' is a required property/),
    ])
  })
  test.each([
    ['/projects', 'project', { name: 'demo' }],
    ['/domains', 'domain', { name: 'Default' }],
    ['/roles', 'role', { name: 'member' }],
    ['/regions', 'region', { id: 'RegionOne' }],
  ])('a duplicate in %s is 409', async (path, key, body) => {
    const answer = await send('POST', path, { [key]: body })
    expect([answer.status, answer.json.error.title]).toEqual([409, 'Conflict'])
    expect(answer.json.error.message).toMatch(/^Conflict occurred attempting to store /)
  })
  test('what is never changed', async () => {
    const project = await created('/projects', 'project', { name: name('p') })
    for (const change of [{ domain_id: 'other' }, { parent_id: projectId }, { is_domain: true }])
      expect((await send('PATCH', `/projects/${project.id}`, { project: change })).status).toBe(400)
    const same = { domain_id: 'default', parent_id: 'default', is_domain: false }
    expect((await send('PATCH', `/projects/${project.id}`, { project: same })).status).toBe(200)
    expect((await send('PATCH', '/roles/nope', { role: {} })).status).toBe(404)
  })
})

describe('projects', () => {
  test('made by the stock client’s body; extra attributes; tags', async () => {
    const project = await created('/projects', 'project', {
      name: name('p'),
      enabled: true,
      options: {},
      tags: [],
      colour: 'green',
    })
    expect(keys(project)).toEqual(
      ['colour', 'id', 'name', 'domain_id', 'description', 'enabled'].concat([
        'parent_id',
        'is_domain',
        'tags',
        'options',
        'links',
      ]),
    )
    expect(project).toMatchObject({ parent_id: 'default', is_domain: false, description: '', tags: [] })
    const path = `/projects/${project.id}`
    const put = await send('PUT', `${path}/tags/${encodeURIComponent('a b')}`)
    expect([put.status, put.body, put.headers.location]).toEqual([201, '', `${base}${path}/tags/a%20b`])
    expect((await send('GET', `${path}/tags`)).json).toEqual({
      links: { self: `${base}${path}/tags` },
      tags: ['a b'],
    })
    expect((await send('HEAD', `${path}/tags/a%20b`)).status).toBe(204)
    expect((await send('GET', `${path}/tags/none`)).status).toBe(404)
    expect((await send('PUT', `${path}/tags`, { tags: ['x', 'y'] })).json.tags).toEqual(['x', 'y'])
    expect((await send('PUT', `${path}/tags`, { tags: ['x', 'x'] })).status).toBe(400)
    expect((await send('GET', '/projects?tags=x,y&not-tags=z')).json.projects).toHaveLength(1)
    expect((await send('GET', '/projects?tags-any=x,q&not-tags-any=y')).json.projects).toEqual([])
    expect((await send('DELETE', `${path}/tags/x`)).status).toBe(204)
    expect((await send('DELETE', `${path}/tags`)).status).toBe(204)
    const { json } = await send('PATCH', path, { project: { colour: null, size: 'xl' } })
    expect([json.project.size, json.project.colour, json.project.tags]).toEqual(['xl', undefined, []])
    const wrong = await send('PATCH', path, { project: { size: { deep: 1 } } })
    expect(wrong.status).toBe(400)
  })
  test('filters by name', async () => {
    const unique = hexId().slice(0, 10)
    for (const suffix of ['One', 'two', 'three%'])
      await created('/projects', 'project', { name: `${unique}-${suffix}` })
    const count = async (query: string) =>
      (await send('GET', `/projects?name__startswith=${unique}&${query}`)).json.projects.length
    expect(await count('')).toBe(3)
    expect(await count('name__endswith=%25')).toBe(1)
    expect(await count('name__contains=one')).toBe(0)
    expect(await count('name__icontains=ONE')).toBe(1)
    expect(await count('enabled=0')).toBe(0)
    expect(await count('enabled')).toBe(3)
    expect(await count('is_domain=true')).toBe(0)
    expect(await count('parent_id=default')).toBe(3)
    expect(await count(`parent_id=${projectId}`)).toBe(0)
  })
  test('parents and subtree', async () => {
    const top = await created('/projects', 'project', { name: name('top'), parent_id: 'default' })
    const middle = await created('/projects', 'project', { name: name('middle'), parent_id: top.id })
    const leaf = await created('/projects', 'project', { name: name('leaf'), parent_id: middle.id })
    const shown = async (id: string, query: string) =>
      (await send('GET', `/projects/${id}?${query}`)).json.project
    expect((await shown(leaf.id, 'parents_as_ids')).parents).toEqual({
      [middle.id]: { [top.id]: { default: null } },
    })
    expect((await shown(top.id, 'parents_as_ids')).parents).toEqual({ default: null })
    expect((await shown(top.id, 'subtree_as_ids')).subtree).toEqual({ [middle.id]: { [leaf.id]: null } })
    expect((await shown(leaf.id, 'subtree_as_ids')).subtree).toBe(null)
    const list = await shown(middle.id, 'parents_as_list&subtree_as_list')
    expect(list.parents.map((row: { project: { id: string } }) => row.project.id)).toEqual([top.id])
    expect(list.subtree).toEqual([{ project: leaf }])
    expect((await send('GET', `/projects/${leaf.id}?parents_as_list&parents_as_ids`)).status).toBe(400)
    expect((await send('DELETE', `/projects/${top.id}`)).status).toBe(403)
    // A tree goes from the leaves up, one request after the other, although things go in the background.
    for (const { id } of [leaf, middle, top]) {
      expect((await send('DELETE', `/projects/${id}`)).status).toBe(204)
      expect((await send('GET', `/projects/${id}`)).status).toBe(404)
      expect((await send('PATCH', `/projects/${id}`, { project: { enabled: true } })).status).toBe(404)
    }
    expect((await send('GET', `/projects?name=${top.name}`)).json.projects).toEqual([])
    await runPending(deps)
    expect(await deps.root.project.count({ where: { id: { in: [leaf.id, middle.id, top.id] } } })).toBe(0)
  })
  test('immutable: neither changed nor deleted until that is taken away', async () => {
    for (const [path, key] of [
      ['/projects', 'project'],
      ['/domains', 'domain'],
      ['/roles', 'role'],
    ] as const) {
      const { id, options } = await created(path, key, { name: name(key), options: { immutable: true } })
      expect(options).toEqual({ immutable: true })
      const patch = (change: object) => send('PATCH', `${path}/${id}`, { [key]: change })
      expect((await patch({ description: 'x' })).status, key).toBe(403)
      expect((await send('DELETE', `${path}/${id}`)).status, key).toBe(403)
      expect((await patch({ description: 'x', options: { immutable: false } })).json[key].options).toEqual({})
    }
    const { id } = (await send('GET', '/roles?name=reader')).json.roles[0]
    const builtIn = await send('PATCH', `/roles/${id}`, {
      role: { name: 'x', options: { immutable: false } },
    })
    expect(builtIn.status).toBe(403)
  })
})

describe('users and groups', () => {
  test('keys of a user come and go with their values', async () => {
    const user = await created('/users', 'user', {
      name: name('u'),
      password: 'a-long-password',
      enabled: true,
      options: {},
    })
    expect(keys(user)).toEqual([
      'id',
      'name',
      'domain_id',
      'enabled',
      'password_expires_at',
      'options',
      'links',
    ])
    const { json } = await send('PATCH', `/users/${user.id}`, {
      user: {
        default_project_id: projectId,
        description: 'x',
        email: 'a@example.org',
        options: { lock_password: true },
      },
    })
    expect(json.user).toMatchObject({
      default_project_id: projectId,
      description: 'x',
      email: 'a@example.org',
      options: { lock_password: true },
    })
    const back = await send('PATCH', `/users/${user.id}`, {
      user: { default_project_id: null, description: null, email: null, options: { lock_password: null } },
    })
    expect(keys(back.json.user)).toEqual(keys(user))
    expect((await send('POST', '/users', { user: { name: name('u'), options: { odd: true } } })).status).toBe(
      400,
    )
    expect((await send('POST', '/users', { user: { name: name('u'), federated: [{}] } })).status).toBe(400)
  })
  test('a password: one’s own without a token, 401 when the old one is wrong, 204 else', async () => {
    const user = await created('/users', 'user', { name: name('u'), password: 'a-long-password' })
    const change = (original_password: string) =>
      send(
        'POST',
        `/users/${user.id}/password`,
        { user: { original_password, password: 'another-password' } },
        '',
      )
    expect((await change('wrong')).status).toBe(401)
    const done = await change('a-long-password')
    expect([done.status, done.body]).toEqual([204, ''])
    expect((await send('PATCH', `/users/${user.id}`, { user: { password: 'short' } })).status).toBe(400)
    expect((await send('PATCH', `/users/${user.id}`, { user: { password: 'set-by-admin' } })).status).toBe(
      200,
    )
    expect((await change('another-password')).status).toBe(401)
  })
  test('expiring passwords are found by time', async () => {
    const user = await created('/users', 'user', { name: name('u') })
    await deps.root.user.update({
      where: { id: user.id },
      data: { passwordExpiresAt: new Date('2030-01-02T03:04:05Z') },
    })
    const found = async (filter: string) =>
      (await send('GET', `/users?name=${user.name}&password_expires_at=${filter}`)).json.users?.length
    expect(await found('lt:2030-01-03T00:00:00Z')).toBe(1)
    expect(await found('gte:2030-01-03T00:00:00Z')).toBe(0)
    expect(await found('2030-01-02T03:04:05Z')).toBe(1)
    expect((await send('GET', '/users?password_expires_at=lt:soon')).status).toBe(400)
    expect((await send('GET', `/users/${user.id}`)).json.user.password_expires_at).toBe(
      '2030-01-02T03:04:05.000000',
    )
  })
  test('groups and their members', async () => {
    const group = await created('/groups', 'group', { name: name('g') })
    expect(keys(group)).toEqual(['id', 'name', 'domain_id', 'description', 'links'])
    const user = await created('/users', 'user', { name: name('u') })
    const path = `/groups/${group.id}/users/${user.id}`
    expect((await send('HEAD', path)).status).toBe(404)
    expect((await send('PUT', path)).status).toBe(204)
    expect((await send('PUT', path)).status).toBe(204)
    expect((await send('HEAD', path)).status).toBe(204)
    const users = await send('GET', `/groups/${group.id}/users`)
    expect(users.json.users).toEqual([user])
    expect(users.json.links.self).toBe(`${base}/groups/${group.id}/users`)
    expect((await send('GET', `/users/${user.id}/groups`)).json.groups).toEqual([group])
    expect((await send('DELETE', path)).status).toBe(204)
    expect((await send('DELETE', path)).status).toBe(404)
    expect((await send('DELETE', `/groups/${group.id}`)).status).toBe(204)
  })
})

describe('roles and grants', () => {
  test('implied roles', async () => {
    const role = await created('/roles', 'role', { name: name('r'), description: null, options: {} })
    expect(role).toMatchObject({ domain_id: null, description: null, options: {} })
    const reader = (await send('GET', '/roles?name=reader')).json.roles[0]
    const path = `/roles/${role.id}/implies/${reader.id}`
    expect((await send('HEAD', path)).status).toBe(404)
    const put = await send('PUT', path)
    const named = ({ id, name: called }: { id: string; name: string }) => ({
      id,
      name: called,
      links: { self: `${base}/roles/${id}` },
    })
    const rule = {
      role_inference: { prior_role: named(role), implies: named(reader) },
      links: { self: `${base}${path}` },
    }
    expect([put.status, put.json]).toEqual([201, rule])
    expect((await send('GET', path)).json).toEqual(rule)
    const head = await send('HEAD', path)
    expect([head.status, head.body]).toEqual([204, ''])
    expect((await send('GET', `/roles/${role.id}/implies`)).json.role_inference.implies).toEqual([
      named(reader),
    ])
    const all = (await send('GET', '/role_inferences')).json
    expect(all.role_inferences).toContainEqual({ prior_role: named(role), implies: [named(reader)] })
    expect(keys(all)).toEqual(['role_inferences', 'links'])
    expect((await send('DELETE', path)).status).toBe(204)
    expect((await send('DELETE', path)).status).toBe(404)
  })
  test('given, seen, taken away: everywhere and for everyone', async () => {
    const user = await created('/users', 'user', { name: name('u') })
    const group = await created('/groups', 'group', { name: name('g') })
    const role = await created('/roles', 'role', { name: name('r') })
    for (const below of ['', '/OS-INHERIT'])
      for (const place of [
        `/projects/${projectId}`,
        '/domains/default',
        ...(below === '' ? ['/system'] : []),
      ])
        for (const holder of [`/users/${user.id}`, `/groups/${group.id}`]) {
          const tail = below === '' ? '' : '/inherited_to_projects'
          const list = `${below}${place}${holder}/roles${tail}`
          const one = `${below}${place}${holder}/roles/${role.id}${tail}`
          expect((await send('HEAD', one)).status, one).toBe(404)
          expect((await send('PUT', one)).status, one).toBe(204)
          expect((await send('HEAD', one)).status, one).toBe(204)
          const listed = (await send('GET', list)).json
          expect([listed.roles, listed.links.self]).toEqual([[role], `${base}${list}`])
          const who = holder.startsWith('/users') ? `user.id=${user.id}` : `group.id=${group.id}`
          const rows = (await send('GET', `/role_assignments?${who}&role.id=${role.id}`)).json
            .role_assignments
          expect(rows).toHaveLength(1)
          expect(rows[0].links.assignment).toBe(base + one)
          if (below !== '') expect(rows[0].scope['OS-INHERIT:inherited_to']).toBe('projects')
          expect((await send('DELETE', one)).status, one).toBe(204)
          expect((await send('DELETE', one)).status, one).toBe(404)
        }
  })
  test('assignments: keys as recorded; filters that contradict each other are 400', async () => {
    const { json } = await send('GET', `/role_assignments?include_names&scope.project.id=${projectId}`)
    expect(json.links.self).toBe(`${base}/role_assignments?include_names&scope.project.id=${projectId}`)
    const { links, scope, user, role } = json.role_assignments[0]
    expect(keys(json.role_assignments[0])).toEqual(['links', 'scope', 'user', 'role'])
    expect(scope).toEqual({
      project: { id: projectId, name: 'demo', domain: { id: 'default', name: 'Default' } },
    })
    expect([keys(user), keys(role), keys(links)]).toEqual([
      ['id', 'name', 'domain'],
      ['id', 'name'],
      ['assignment'],
    ])
    for (const query of [
      'include_subtree=True',
      'user.id=a&group.id=b',
      'scope.project.id=a&scope.domain.id=b',
      'effective&group.id=a',
    ])
      expect((await send('GET', `/role_assignments?${query}`)).status, query).toBe(400)
  })
})

describe('the administrator of a domain', () => {
  test('makes and grants in his own and touches nothing else', async () => {
    const mine = await created('/domains', 'domain', { name: name('d') })
    const other = await created('/domains', 'domain', { name: name('d') })
    const token = await tokenOf('admin', { kind: 'domain', domainId: mine.id })
    const send1 = (method: InjectOptions['method'], path: string, body?: object) =>
      send(method, path, body, token)
    const foreign = await created('/users', 'user', { name: name('u'), domain_id: other.id })
    const elsewhere = await created('/projects', 'project', { name: name('p'), domain_id: other.id })
    const group = await created('/groups', 'group', { name: name('g'), domain_id: other.id })
    const own = (await send1('POST', '/users', { user: { name: name('u') } })).json.user
    const project = (await send1('POST', '/projects', { project: { name: name('p') } })).json.project
    expect([own.domain_id, project.domain_id]).toEqual([mine.id, mine.id])
    const roleOf = async (role: string) => (await send('GET', `/roles?name=${role}`)).json.roles[0].id
    const [member, adminRole] = [await roleOf('member'), await roleOf('admin')]
    const grant = (place: string, who: string, role: string) =>
      send1('PUT', `${place}/users/${who}/roles/${role}`)
    expect((await grant(`/projects/${project.id}`, own.id, member)).status).toBe(204)
    expect((await grant(`/projects/${project.id}`, own.id, adminRole)).status).toBe(403)
    expect((await grant(`/projects/${project.id}`, foreign.id, member)).status).toBe(404)
    expect((await grant(`/projects/${elsewhere.id}`, own.id, member)).status).toBe(404)
    expect((await grant(`/domains/${other.id}`, own.id, member)).status).toBe(404)
    expect((await grant('/system', own.id, member)).status).toBe(403)
    for (const [method, path, body] of [
      ['GET', `/users/${foreign.id}`],
      ['PATCH', `/users/${foreign.id}`, { user: { password: 'mine-now-please' } }],
      ['DELETE', `/users/${foreign.id}`],
      ['PATCH', `/projects/${elsewhere.id}`, { project: { enabled: false } }],
      ['DELETE', `/projects/${elsewhere.id}`],
      ['PUT', `/groups/${group.id}/users/${own.id}`],
      ['GET', `/groups/${group.id}/users`],
      ['POST', '/projects', { project: { name: name('p'), parent_id: elsewhere.id } }],
    ] as const)
      expect((await send1(method, path, body)).status, `${method} ${path}`).toBe(404)
    for (const body of [{ user: { name: name('u'), domain_id: other.id } }])
      expect((await send1('POST', '/users', body)).status).toBe(403)
    for (const list of ['users', 'projects', 'groups'])
      expect((await send1('GET', `/${list}?domain_id=${other.id}`)).status, list).toBe(403)
    const seen = (await send1('GET', '/role_assignments?include_names')).body
    expect(seen).not.toContain(other.id)
  })
})
