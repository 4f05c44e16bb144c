import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemCtx } from '../kernel/context.ts'
import { adminPassword, demoPassword, setUserEnabled, testUser } from './testing.ts'
import '../register.ts'
import {
  admin,
  app,
  base,
  closeKeystone,
  demo,
  deps,
  get,
  hex,
  inDefault,
  inProject,
  openKeystone,
  passwordOf,
  post,
  tokenFor,
  unauthorized,
  userNamed,
  v3,
} from './openstack.testing.ts'

beforeAll(openKeystone)
afterAll(closeKeystone)

describe('POST /v3/auth/tokens', () => {
  test('a password and a project give a 201 with everything in Keystone’s order', async () => {
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
  test('every scope works: by id, unscoped, system, default project, none; and ?nocatalog', async () => {
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
  test('a token from a token ends no later, keeps the audit chain, and gets another project but no more rights', async () => {
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
  test('every refusal is the same 401, whichever part was wrong', async () => {
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
  ] as const)('an invalid body is a 400: %j', async (auth, words) => {
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

describe('tokens of others and the caller’s own', () => {
  test('GET, HEAD and DELETE take the token of X-Subject-Token', async () => {
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
  // The test sends two thousand requests and checks fifty passwords at their real cost.
  test('A15.3: 2,000 parallel requests of 50 users, each answer is the caller’s own', {
    timeout: 180_000,
  }, async () => {
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
