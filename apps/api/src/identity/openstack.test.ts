import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Deps, systemCtx } from '../kernel/context.ts'
import { adminPassword, demoPassword, setUserEnabled, testCloud, testFacade, testUser } from './testing.ts'
import '../catalog/register.ts'

/** Bodies and headers as a real Zed cloud sent them (values are this cloud's own). */

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let app: FastifyInstance
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  app = await testFacade(deps)
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

const base = 'http://cloud.test/identity/v3'
const v3 = '/identity/v3'
const inDefault = { domain: { name: 'Default' } }
const passwordOf = (user: object) => ({ identity: { methods: ['password'], password: { user } } })
const userNamed = (name: string, password: unknown) => passwordOf({ name, password, ...inDefault })
const inProject = (name: string) => ({ scope: { project: { name, ...inDefault } } })
const post = (auth: object, query = '') =>
  app.inject({
    method: 'POST',
    url: `${v3}/auth/tokens${query}`,
    payload: { auth },
    remoteAddress: nextAddress(),
  })
const get = (url: string, token?: string, headers: Record<string, string> = {}) =>
  app.inject({ url, headers: { ...(token ? { 'x-auth-token': token } : {}), ...headers } })
const tokenFor = async (name: string, password: string, project?: string) =>
  String(
    (await post({ ...userNamed(name, password), ...(project ? inProject(project) : {}) })).headers[
      'x-subject-token'
    ],
  )
const admin = () => tokenFor('admin', adminPassword, 'admin')
const demo = () => tokenFor('demo', demoPassword, 'demo')
let addresses = 0
const nextAddress = () => `192.0.2.${++addresses % 250}`
const requestId = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const hex = /^[0-9a-f]{32}$/
const unauthorized =
  '{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}'

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
  test('an unknown path is Keystone’s own 404', async () => {
    const answer = await get(`${v3}/nonsense`)
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toEqual({ error: { code: 404, message: expect.any(String), title: 'Not Found' } })
  })
  test('what is not below /identity goes to the portal', async () => {
    for (const url of ['/', '/identityx', '/images', '/v3/auth/tokens'])
      expect((await get(url)).body, url).toBe('the portal')
  })
  test('request ids: ours, or the caller’s when it has the form', async () => {
    const mine = 'req-102ae999-aa4a-41f3-9fac-a099d1fcbf4e'
    const echoed = await get(v3, undefined, { 'x-openstack-request-id': mine })
    expect(echoed.headers['x-openstack-request-id']).toBe(mine)
    const forged = await get(v3, undefined, { 'x-openstack-request-id': 'req-1\u0022 injected' })
    expect(forged.headers['x-openstack-request-id']).toMatch(requestId)
  })
})

describe('POST /v3/auth/tokens', () => {
  test('password and project: 201 with everything in Keystone’s order', async () => {
    const answer = await post({ ...userNamed('admin', adminPassword), ...inProject('admin') })
    expect([answer.statusCode, answer.statusMessage, answer.headers.vary]).toEqual([
      201,
      'Created',
      'X-Auth-Token',
    ])
    expect(answer.headers['x-subject-token']).toMatch(/^slt_/)
    const { token } = answer.json()
    expect(Object.keys(token)).toEqual([
      'methods',
      'user',
      'audit_ids',
      'expires_at',
      'issued_at',
      'project',
      'is_domain',
      'roles',
      'catalog',
    ])
    const times = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
    expect(token).toMatchObject({
      methods: ['password'],
      user: {
        domain: { id: 'default', name: 'Default' },
        id: expect.stringMatching(hex),
        name: 'admin',
        password_expires_at: null,
      },
      audit_ids: [expect.stringMatching(/^[\w-]{22}$/)],
      expires_at: expect.stringMatching(times),
      issued_at: expect.stringMatching(times),
      project: { domain: { id: 'default', name: 'Default' }, id: expect.stringMatching(hex), name: 'admin' },
      is_domain: false,
    })
    expect(token.roles.map((r: { name: string }) => r.name)).toEqual(['admin', 'member', 'reader'])
    expect(token.catalog.map((s: { type: string }) => s.type)).toContain('identity')
    for (const service of token.catalog) {
      expect(Object.keys(service)).toEqual(['endpoints', 'id', 'type', 'name'])
      expect(service.endpoints.map((e: { interface: string }) => e.interface).sort()).toEqual([
        'admin',
        'internal',
        'public',
      ])
      for (const endpoint of service.endpoints)
        expect(endpoint).toEqual({
          id: expect.stringMatching(hex),
          interface: expect.any(String),
          region_id: 'RegionOne',
          region: 'RegionOne',
          url: expect.stringMatching(/^http:\/\/cloud\.test\//),
        })
    }
  })
  test('scopes: by id, unscoped, system, default project, none of them; ?nocatalog', async () => {
    const me = (await post(userNamed('demo', demoPassword))).json().token
    expect(me.project.name).toBe('demo')
    const byId = {
      ...passwordOf({ id: me.user.id, password: demoPassword }),
      scope: { project: { id: me.project.id } },
    }
    expect((await post(byId)).json().token.project).toEqual(me.project)
    const unscoped = (await post({ ...userNamed('demo', demoPassword), scope: 'unscoped' })).json().token
    expect(Object.keys(unscoped)).toEqual(['methods', 'user', 'audit_ids', 'expires_at', 'issued_at'])
    const system = (
      await post({ ...userNamed('admin', adminPassword), scope: { system: { all: true } } })
    ).json().token
    expect(system).toMatchObject({
      system: { all: true },
      roles: [{ name: 'admin' }, { name: 'member' }, { name: 'reader' }],
    })
    expect(system.project).toBeUndefined()
    expect((await post(userNamed('demo', demoPassword), '?nocatalog')).json().token.catalog).toBeUndefined()
  })
  test('by token: same end, audit chain, other project; never more', async () => {
    const parent = await post({ ...userNamed('admin', adminPassword), ...inProject('admin') })
    const id = String(parent.headers['x-subject-token'])
    const child = await post({ identity: { methods: ['token'], token: { id } }, ...inProject('demo') })
    expect(child.statusCode).toBe(201)
    const [a, b] = [parent.json().token, child.json().token]
    expect(b.project.name).toBe('demo')
    expect(b.methods).toEqual(['token', 'password'])
    expect(b.audit_ids).toEqual([expect.any(String), a.audit_ids[0]])
    expect(b.expires_at <= a.expires_at).toBe(true)
    const demoToken = await demo()
    const more = await post({
      identity: { methods: ['token'], token: { id: demoToken } },
      ...inProject('admin'),
    })
    expect([more.statusCode, more.body]).toEqual([401, unauthorized])
  })
  test('every refusal is the same 401, whatever was wrong', async () => {
    const disabled = await testUser(deps)
    await setUserEnabled(systemCtx(deps, 'test'), { userId: disabled.userId, enabled: false })
    const wrong: object[] = [
      { ...userNamed('admin', 'wrong'), ...inProject('admin') },
      userNamed('nobody', adminPassword),
      userNamed('admin', ''),
      userNamed('admin', 'x'.repeat(2000)),
      userNamed(disabled.name, disabled.password),
      passwordOf({ name: 'admin', password: adminPassword, domain: { name: 'nowhere' } }),
      { ...userNamed('demo', demoPassword), ...inProject('admin') },
      { ...userNamed('demo', demoPassword), ...inProject('nothing') },
      { ...userNamed('demo', demoPassword), scope: { system: { all: true } } },
      { ...userNamed('demo', demoPassword), scope: { domain: { id: 'default' } } },
      { identity: { methods: ['token'], token: { id: 'nonsense' } } },
      { identity: { methods: ['totp'] } },
      {
        identity: {
          methods: ['password', 'token'],
          password: { user: { name: 'demo', password: demoPassword, ...inDefault } },
          token: { id: 'x' },
        },
      },
    ]
    for (const auth of wrong) {
      const answer = await post(auth)
      expect([answer.statusCode, answer.body], JSON.stringify(auth)).toEqual([401, unauthorized])
      expect(answer.headers['www-authenticate']).toBe(`Keystone uri="${base}"`)
      expect(answer.headers['x-subject-token']).toBeUndefined()
    }
  })
  test.each([
    [{}, /'identity' is a required property/],
    [{ identity: {} }, /'methods' is a required property/],
    [{ identity: { methods: [] } }, /methods/],
    [{ identity: { methods: Array(200).fill('password') } }, /methods/],
    [{ identity: { methods: ['password'] } }, /'password' is a required property/],
    ...[null, [], {}, 1, true].map((p) => [userNamed('admin', p), /./] as const),
    [userNamed('a\0b', 'x'), /NUL/],
    [{ ...userNamed('a', 'x'), scope: { project: { name: 'no domain' } } }, /scope/],
    [{ ...userNamed('a', 'x'), scope: { system: { all: 'true' } } }, /scope/],
  ] as const)('a body that is none: %j', async (auth, words) => {
    const answer = await post(auth)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({
      error: { code: 400, message: expect.stringMatching(words), title: 'Bad Request' },
    })
  })
  test('A22: size, depth, keys, encoding and type of a body are bounded', async () => {
    const send = (payload: string | Buffer, type = 'application/json') =>
      app.inject({ method: 'POST', url: `${v3}/auth/tokens`, headers: { 'content-type': type }, payload })
    const codes = await Promise.all([
      send(`{"auth":"${'x'.repeat(120_000)}"}`),
      send('['.repeat(50_000) + ']'.repeat(50_000)),
      send(`[${'1,'.repeat(30_000)}1]`),
      send('{"__proto__":{"auth":1}}'),
      send(Buffer.from([0x7b, 0xff, 0x7d])),
      send('{"auth":"\\ud800"}'),
      send(''),
      send('auth=1', 'application/x-www-form-urlencoded'),
      send('<auth/>', 'application/xml'),
    ])
    expect(codes.map((c) => c.statusCode)).toEqual([413, 400, 400, 400, 400, 400, 400, 415, 415])
    for (const c of codes) expect(c.json().error.title).toBeTruthy()
  })
})

describe('tokens of others and one’s own', () => {
  test('GET, HEAD and DELETE with X-Subject-Token', async () => {
    const token = await demo()
    const own = await get(`${v3}/auth/tokens`, token, { 'x-subject-token': token })
    expect([own.statusCode, own.headers['x-subject-token'], own.json().token.user.name]).toEqual([
      200,
      token,
      'demo',
    ])
    const head = await app.inject({
      method: 'HEAD',
      url: `${v3}/auth/tokens`,
      headers: { 'x-auth-token': token, 'x-subject-token': token },
    })
    expect([head.statusCode, head.body]).toEqual([200, ''])
    const foreign = await get(`${v3}/auth/tokens`, token, { 'x-subject-token': await admin() })
    expect(foreign.statusCode).toBe(403)
    const bad = await get(`${v3}/auth/tokens`, token, { 'x-subject-token': 'nonsense' })
    expect([bad.statusCode, bad.json().error.title]).toEqual([404, 'Not Found'])
    const none = await get(`${v3}/auth/tokens`, undefined, { 'x-subject-token': token })
    expect([none.statusCode, none.body]).toEqual([401, unauthorized])
    const gone = await app.inject({
      method: 'DELETE',
      url: `${v3}/auth/tokens`,
      headers: { 'x-auth-token': token, 'x-subject-token': token },
    })
    expect([gone.statusCode, gone.body]).toEqual([204, ''])
    expect((await get(`${v3}/auth/catalog`, token)).statusCode).toBe(401)
  })
  test('A15.2: identity headers from outside change nothing', async () => {
    const forged = {
      'x-roles': 'admin',
      'x-role': 'admin',
      x_user_id: '1',
      'x-user-id': '1',
      'x-user-name': 'admin',
      'x-is-admin-project': 'True',
      'x-project-id': '1',
      'x-identity-status': 'Confirmed',
      'x-service-token': await admin(),
      'x-system-scope': 'all',
      'openstack-system-scope': 'all',
    }
    expect((await get(`${v3}/users`, undefined, forged)).statusCode).toBe(401)
    const token = await demo()
    expect((await get(`${v3}/users`, token, forged)).statusCode).toBe(403)
    const me = await get(`${v3}/auth/tokens`, token, { ...forged, 'x-subject-token': token })
    expect(me.json().token.user.name).toBe('demo')
  })
  test('A15.3: 2,000 parallel requests of 50 users, each answer is the caller’s own', async () => {
    const people = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const who = await testUser(deps)
        return { ...who, token: await tokenFor(who.name, who.password) }
      }),
    )
    const wrong: string[] = []
    await Promise.all(
      Array.from({ length: 2000 }, async (_, i) => {
        const who = people[i % people.length]
        if (!who) return
        const { token } = (
          await get(`${v3}/auth/tokens?nocatalog`, who.token, { 'x-subject-token': who.token })
        ).json()
        if (token?.user.id !== who.userId || token.project.id !== who.projectId) wrong.push(who.name)
      }),
    )
    expect(wrong).toEqual([])
  })
})

describe('the directory', () => {
  test('an administrator lists; views have Keystone’s keys', async () => {
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
  test('filters are exact: % _ * are letters', async () => {
    const token = await admin()
    for (const name of ['%', '_dmin', 'adm*', 'ADMIN', '.*'])
      expect((await get(`${v3}/projects?name=${encodeURIComponent(name)}`, token)).json().projects).toEqual(
        [],
      )
    expect((await get(`${v3}/projects?enabled=maybe`, token)).statusCode).toBe(400)
    expect((await get(`${v3}/projects?name=%00`, token)).statusCode).toBe(400)
    expect((await get(`${v3}/users/%00`, token)).statusCode).toBe(400)
  })
  test('a member reads himself and his project; others are the same 404 as none', async () => {
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
