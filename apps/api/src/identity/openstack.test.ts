import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testUser } from './testing.ts'
import '../register.ts'
import {
  admin,
  base,
  closeKeystone,
  demo,
  deps,
  get,
  openKeystone,
  requestId,
  v3,
} from './openstack.testing.ts'

beforeAll(openKeystone)
afterAll(closeKeystone)

describe('discovery', () => {
  const version = {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${base}/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  }
  test.each(['/identity', '/identity/'])('%s is 300 with the versions', async (url) => {
    const answer = await get(url)
    expect([answer.statusCode, answer.statusMessage, answer.headers.location]).toEqual([
      300,
      'Multiple Choices',
      `${base}/`,
    ])
    expect(answer.headers['x-openstack-request-id']).toMatch(requestId)
    expect(answer.body).toBe(JSON.stringify({ versions: { values: [version] } }))
  })
  test.each([v3, `${v3}/`])('%s is 200, also with a bad token', async (url) => {
    const answer = await get(url, 'nonsense')
    expect([answer.statusCode, answer.headers.vary]).toEqual([200, 'X-Auth-Token'])
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(answer.body).toBe(JSON.stringify({ version }))
  })
  test('an unknown path answers Keystone’s own 404', async () => {
    const answer = await get(`${v3}/nonsense`)
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toEqual({ error: { code: 404, message: expect.any(String), title: 'Not Found' } })
  })
  test('requests that are not below /identity go to the portal', async () => {
    for (const url of ['/', '/identityx', '/images', '/v3/auth/tokens'])
      expect((await get(url)).body, url).toBe('the portal')
  })
  test('request ids are ours, whichever id the caller sends', async () => {
    const mine = 'req-102ae999-aa4a-41f3-9fac-a099d1fcbf4e'
    for (const given of [mine, 'req-1\u0022 injected']) {
      const answer = await get(v3, undefined, { 'x-openstack-request-id': given })
      expect(answer.headers['x-openstack-request-id']).toMatch(requestId)
      expect(answer.headers['x-openstack-request-id']).not.toBe(mine)
    }
  })
})

describe('the directory', () => {
  test('an administrator lists everything; views have Keystone’s keys', async () => {
    const token = await admin()
    const shapes: Record<string, string[]> = {
      projects: [
        'id',
        'name',
        'domain_id',
        'description',
        'enabled',
        'parent_id',
        'is_domain',
        'tags',
        'options',
        'links',
      ],
      domains: ['id', 'name', 'description', 'enabled', 'tags', 'options', 'links'],
      roles: ['id', 'name', 'domain_id', 'description', 'options', 'links'],
      services: ['name', 'id', 'type', 'enabled', 'links'],
      endpoints: ['id', 'interface', 'region_id', 'service_id', 'url', 'enabled', 'region', 'links'],
      regions: ['id', 'description', 'parent_region_id', 'links'],
    }
    for (const [name, keys] of Object.entries(shapes)) {
      const body = (await get(`${v3}/${name}`, token)).json()
      expect(Object.keys(body[name][0]), name).toEqual(keys)
      expect(body.links).toEqual({ next: null, self: `${base}/${name}`, previous: null })
      const one = await get(`${v3}/${name}/${body[name][0].id}`, token)
      expect(one.json()[name.slice(0, -1)]).toEqual(body[name][0])
    }
    const users = (await get(`${v3}/users?name=demo`, token)).json().users
    expect(users).toMatchObject([
      { name: 'demo', domain_id: 'default', enabled: true, password_expires_at: null, options: {} },
    ])
    const names = (
      await get(`${v3}/role_assignments?include_names=True&user.id=${users[0].id}`, token)
    ).json()
    expect(names.role_assignments).toMatchObject([
      { role: { name: 'member' }, user: { name: 'demo' }, scope: { project: { name: 'demo' } } },
    ])
  })
  test('filters match exactly: %, _ and * are letters', async () => {
    const token = await admin()
    for (const name of ['%', '_dmin', 'adm*', 'ADMIN', '.*'])
      expect((await get(`${v3}/projects?name=${encodeURIComponent(name)}`, token)).json().projects).toEqual(
        [],
      )
    expect((await get(`${v3}/projects?enabled=maybe`, token)).statusCode).toBe(400)
    expect((await get(`${v3}/projects?name=%00`, token)).statusCode).toBe(400)
    expect((await get(`${v3}/users/%00`, token)).statusCode).toBe(400)
  })
  test('a member reads their own user and project; those of others are the same 404 as unknown ones', async () => {
    const token = await demo()
    const me = (await get(`${v3}/auth/tokens`, token, { 'x-subject-token': token })).json().token
    expect((await get(`${v3}/users/${me.user.id}`, token)).json().user.name).toBe('demo')
    expect((await get(`${v3}/projects/${me.project.id}`, token)).json().project.name).toBe('demo')
    expect((await get(`${v3}/users/${me.user.id}/projects`, token)).json().projects).toHaveLength(1)
    expect((await get(`${v3}/domains/default`, token)).statusCode).toBe(200)
    const other = await testUser(deps)
    for (const [there, none] of [
      [`users/${other.userId}`, `users/${'0'.repeat(32)}`],
      [`projects/${other.projectId}`, `projects/${'0'.repeat(32)}`],
      [`users/${other.userId}/projects`, `users/${'0'.repeat(32)}/projects`],
    ]) {
      const [a, b] = [await get(`${v3}/${there}`, token), await get(`${v3}/${none}`, token)]
      expect([a.statusCode, b.statusCode]).toEqual([404, 404])
      expect(a.body.replace(/[0-9a-f]{32}/, 'ID')).toBe(b.body.replace(/[0-9a-f]{32}/, 'ID'))
    }
    for (const list of ['users', 'projects', 'roles', 'domains', 'services', 'endpoints', 'role_assignments'])
      expect((await get(`${v3}/${list}`, token)).statusCode, list).toBe(403)
    expect((await get(`${v3}/auth/catalog`, token)).json().catalog.length).toBeGreaterThan(0)
  })
  test('no password hash leaves the room', async () => {
    const token = await admin()
    for (const url of ['users', 'role_assignments?include_names'])
      expect((await get(`${v3}/${url}`, token)).body).not.toMatch(/argon2|passwordHash/)
  })
})
