import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import '../../register.ts'
import {
  base,
  closeDirectory,
  created,
  keys,
  name,
  openDirectory,
  projectId,
  send,
  tokenOf,
} from './directory.testing.ts'

beforeAll(openDirectory)
afterAll(closeDirectory)

describe('errors', () => {
  test('404, 409 and 400 of a user have the recorded words', async () => {
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
  ])('a duplicate in %s is a 409', async (path, key, body) => {
    const answer = await send('POST', path, { [key]: body })
    expect([answer.status, answer.json.error.title]).toEqual([409, 'Conflict'])
    expect(answer.json.error.message).toMatch(/^Conflict occurred attempting to store /)
  })
  test('attributes that never change are refused', async () => {
    const project = await created('/projects', 'project', { name: name('p') })
    for (const change of [{ domain_id: 'other' }, { parent_id: projectId }, { is_domain: true }])
      expect((await send('PATCH', `/projects/${project.id}`, { project: change })).status).toBe(400)
    const same = { domain_id: 'default', parent_id: 'default', is_domain: false }
    expect((await send('PATCH', `/projects/${project.id}`, { project: same })).status).toBe(200)
    expect((await send('PATCH', '/roles/nope', { role: {} })).status).toBe(404)
  })
})

describe('roles and grants', () => {
  test('a role implies another until this is removed', async () => {
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
  test('roles are given, listed and removed at every place, for users and groups', async () => {
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
  test('assignments have the recorded keys, and filters that contradict each other are a 400', async () => {
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
  test('creates and grants in their own domain and changes nothing elsewhere', async () => {
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
