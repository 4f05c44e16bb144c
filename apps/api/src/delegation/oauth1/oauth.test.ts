import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest, InjectOptions } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { deleteProject } from '../../directory/projects/deletion.ts'
import { createProject } from '../../directory/projects/service.ts'
import { assignRole } from '../../directory/roles/by-name.ts'
import { createRole, deleteRole } from '../../directory/roles/service.ts'
import { deleteUser } from '../../directory/users/service.ts'
import { listSessions } from '../../identity/sessions-list.ts'
import { setProjectEnabled, setUserEnabled, testCloud, testFacade, testUser } from '../../identity/testing.ts'
import { issueToken } from '../../identity/tokens.ts'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../../kernel/context.ts'
import { reconcilerNamed } from '../../kernel/reconciler.ts'
import { oauthRequest } from './openstack.ts'
import { type Keys, signedHeader } from './testing.ts'

/**
 * OAuth 1: a program of others acts for a user, with the roles that the user gave and until the user takes them back.
 */

let cloud: Awaited<ReturnType<typeof testCloud>>
let ctx: Ctx
let app: FastifyInstance
let admin: string
let user: Awaited<ReturnType<typeof testUser>> & { token: string }
let addresses = 0
beforeAll(async () => {
  cloud = await testCloud()
  ctx = systemCtx(cloud.deps, 'test')
  app = await testFacade(cloud.deps)
  const { id: userId } = await cloud.deps.root.user.findFirstOrThrow({ where: { name: 'admin' } })
  const wish = { userId, scope: { kind: 'system' as const }, methods: ['password'] }
  admin = (await inTransaction(ctx, (tx) => issueToken(tx, wish))).text
})
beforeEach(async () => {
  const made = await testUser(cloud.deps)
  const wish = { ...made, scope: { kind: 'project' as const, projectId: made.projectId } }
  const { text: token } = await inTransaction(ctx, (tx) => issueToken(tx, { ...wish, methods: ['password'] }))
  user = { ...made, token }
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

type Headers = Record<string, string>
async function send(
  method: InjectOptions['method'],
  path: string,
  more: { body?: object; token?: string; headers?: Headers } = {},
) {
  const answer = await app.inject({
    method,
    url: `/identity/v3${path}`,
    headers: { ...(more.token ? { 'x-auth-token': more.token } : {}), ...more.headers },
    // Every request has a source of its own, because a source with many failed sign-ins must wait.
    remoteAddress: `192.0.2.${++addresses % 250}`,
    payload: more.body,
  })
  const json = answer.headers['content-type']?.toString().startsWith('application/json')
  return { status: answer.statusCode, json: json ? answer.json() : null, answer }
}
const signed = (path: string, keys: Keys, more?: Record<string, string>) =>
  signedHeader(cloud.deps.config, `/identity/v3${path}`, keys, more)
const formOf = ({ answer }: Awaited<ReturnType<typeof send>>) =>
  Object.fromEntries(new URLSearchParams(answer.body))

async function aConsumer(): Promise<Keys['consumer']> {
  const made = await send('POST', '/OS-OAUTH1/consumers', { body: { consumer: {} }, token: admin })
  expect(made.status).toBe(201)
  return made.json.consumer
}
async function requestToken(consumer: Keys['consumer'], projectId = user.projectId) {
  const path = '/OS-OAUTH1/request_token'
  const headers = { authorization: signed(path, { consumer }), 'requested-project-id': projectId }
  const answer = await send('POST', path, { headers })
  const { oauth_token: id = '', oauth_token_secret: secret = '' } = formOf(answer)
  return { answer, keys: { consumer, token: { id, secret } } }
}
const authorize = (id: string, roles: object[] = [{ name: 'member' }], token = user.token) =>
  send('PUT', `/OS-OAUTH1/authorize/${id}`, { body: { roles }, token })
const exchange = (keys: Keys, oauth_verifier: string, more: Record<string, string> = {}) => {
  const path = '/OS-OAUTH1/access_token'
  return send('POST', path, { headers: { authorization: signed(path, keys, { oauth_verifier, ...more }) } })
}
/** Goes all the way from the consumer to an access token; returns the keys that the consumer then signs with. */
async function accessKeys(roles?: object[]): Promise<Keys & { token: { id: string; secret: string } }> {
  const consumer = await aConsumer()
  const { keys } = await requestToken(consumer)
  const yes = await authorize(keys.token.id, roles)
  const taken = await exchange(keys, yes.json.token.oauth_verifier)
  const { oauth_token: id = '', oauth_token_secret: secret = '' } = formOf(taken)
  expect([taken.status, id]).toEqual([201, expect.stringMatching(/^[0-9a-f]{32}$/)])
  return { consumer, token: { id, secret } }
}
const signInBody = (more: object = {}) => ({
  auth: { identity: { methods: ['oauth1'], oauth1: {} }, ...more },
})
function signIn(keys: Keys, more: Record<string, string> = {}, body: object = signInBody()) {
  const path = '/auth/tokens'
  return send('POST', path, { headers: { authorization: signed(path, keys, more) }, body })
}
const tokenFrom = async (keys: Keys) => String((await signIn(keys)).answer.headers['x-subject-token'] ?? '')
const isGood = async (token: string) => (await send('GET', '/auth/projects', { token })).status === 200

test('a consumer’s secret is shown once and is not stored in clear text', async () => {
  const body = { consumer: { description: 'a printer' } }
  const made = await send('POST', '/OS-OAUTH1/consumers', { body, token: admin })
  const { id, secret } = made.json.consumer
  expect(made.json.consumer).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    secret: expect.stringMatching(/^[0-9a-f]{64}$/),
    description: 'a printer',
    links: { self: `http://cloud.test/identity/v3/OS-OAUTH1/consumers/${id}` },
  })
  const { secret: _secret, ...shown } = made.json.consumer
  const path = `/OS-OAUTH1/consumers/${id}`
  expect((await send('GET', path, { token: admin })).json.consumer).toEqual(shown)
  const changed = await send('PATCH', path, { body: { consumer: { description: 'x' } }, token: admin })
  expect(changed.json.consumer).toEqual({ ...shown, description: 'x' })
  expect((await send('PATCH', path, { body: { consumer: { secret: 'x' } }, token: admin })).status).toBe(400)
  const row = await cloud.deps.root.oAuthConsumer.findUniqueOrThrow({ where: { id } })
  expect(JSON.stringify(row)).not.toContain(secret)
  expect((await send('DELETE', path, { token: admin })).status).toBe(204)
  expect((await send('GET', path, { token: admin })).status).toBe(404)
})

test('a consumer asks, the user authorizes, the consumer gets a token', async () => {
  const consumer = await aConsumer()
  const { answer, keys } = await requestToken(consumer)
  expect([answer.status, answer.answer.headers['content-type'], answer.answer.body]).toEqual([
    201,
    'application/x-www-form-urlencoded',
    expect.stringMatching(
      /^oauth_token=[0-9a-f]{32}&oauth_token_secret=[0-9a-f]{64}&oauth_expires_at=\d{4}-\d\d-\d\dT[\d:.]+Z$/,
    ),
  ])
  // The consumer gets nothing before the user has authorized the request token.
  expect((await exchange(keys, 'aaaaaaaa')).status).toBe(401)
  const yes = await authorize(keys.token.id)
  expect([yes.status, yes.json]).toEqual([
    200,
    { token: { oauth_verifier: expect.stringMatching(/^[A-Za-z0-9]{8}$/) } },
  ])
  const verifier = yes.json.token.oauth_verifier
  expect((await authorize(keys.token.id)).status).toBe(409)
  expect((await exchange(keys, 'aaaaaaaa')).status).toBe(401)
  expect((await exchange({ ...keys, consumer: await aConsumer() }, verifier)).status).toBe(401)
  const taken = await exchange(keys, verifier)
  const { oauth_token: id = '', oauth_token_secret: secret = '' } = formOf(taken)
  // A verifier works once.
  expect((await exchange(keys, verifier)).status).toBe(401)

  const signedIn = await signIn({ consumer, token: { id, secret } })
  expect(signedIn.json.token).toMatchObject({
    methods: ['oauth1'],
    user: { id: user.userId },
    project: { id: user.projectId },
    'OS-OAUTH1': { access_token_id: id, consumer_id: consumer.id },
  })
  expect(signedIn.json.token.roles.map((role: { name: string }) => role.name).toSorted()).toEqual([
    'member',
    'reader',
  ])
  const text = String(signedIn.answer.headers['x-subject-token'])
  expect(await isGood(text)).toBe(true)
  // A version without OAuth must not find this token, because it would take the token for one of the user's own.
  expect(text).not.toMatch(/^slt_/)
  const hash = createHash('sha256').update(text).digest('hex')
  expect(await cloud.deps.root.token.count({ where: { hash } })).toBe(0)
  const headers = { 'x-subject-token': text }
  expect((await send('GET', '/auth/tokens', { token: user.token, headers })).json.token).toMatchObject({
    'OS-OAUTH1': { access_token_id: id },
  })

  const { items: sessions } = await listSessions(ctx, { userId: user.userId, limit: 10 })
  expect(sessions).toContainEqual(expect.objectContaining({ via: 'oauth1', methods: ['oauth1'] }))

  const of = `/users/${user.userId}/OS-OAUTH1/access_tokens`
  const { access_tokens } = (await send('GET', of, { token: user.token })).json
  const self = `http://cloud.test/identity/v3${of}/${id}`
  expect(access_tokens).toEqual([
    {
      id,
      consumer_id: consumer.id,
      project_id: user.projectId,
      authorizing_user_id: user.userId,
      expires_at: formOf(taken).oauth_expires_at,
      links: { self, roles: `${self}/roles` },
    },
  ])
  expect((await send('GET', `${of}/${id}`, { token: user.token })).json.access_token).toEqual(
    access_tokens[0],
  )
  const { roles } = (await send('GET', `${of}/${id}/roles`, { token: user.token })).json
  expect(roles).toMatchObject([{ name: 'member' }])
  expect((await send('GET', `${of}/${id}/roles/${roles[0].id}`, { token: user.token })).json.role).toEqual(
    roles[0],
  )
  const rows = JSON.stringify(await cloud.deps.root.oAuthAccessToken.findMany({ where: { id } }))
  expect(rows).not.toContain(secret)
})

test('a request line with an absolute address of another host is read as an address of ours', () => {
  const request = {
    method: 'POST',
    originalUrl: 'http://evil.test:99/identity/v3/auth/tokens?a=1',
    headers: { authorization: 'OAuth oauth_nonce="x"' },
  } as unknown as FastifyRequest
  const deps = { config: { publicUrl: 'http://cloud.test:8080' } } as Deps
  const { url } = oauthRequest({ deps, request })
  expect(new URL(url).href).toBe('http://cloud.test:8080/identity/v3/auth/tokens?a=1')
})

test('of two exchanges of a request token at once, one succeeds', async () => {
  const { keys } = await requestToken(await aConsumer())
  const { oauth_verifier: verifier } = (await authorize(keys.token.id)).json.token
  const answers = await Promise.all([exchange(keys, verifier), exchange(keys, verifier)])
  expect(answers.map((one) => one.status).toSorted()).toEqual([201, 401])
})

test('a token of an EC2 credential cannot authorize a consumer', async () => {
  const body = { tenant_id: user.projectId }
  const made = await send('POST', `/users/${user.userId}/credentials/OS-EC2`, { body, token: user.token })
  const credentialId = createHash('sha256').update(made.json.credential.access).digest('hex')
  const scope = { kind: 'project' as const, projectId: user.projectId }
  const wish = { userId: user.userId, scope, methods: ['ec2credential'], credentialId }
  const { text } = await inTransaction(ctx, (tx) => issueToken(tx, wish))
  const { keys } = await requestToken(await aConsumer())
  expect((await authorize(keys.token.id, undefined, text)).status).toBe(403)
  expect((await authorize(keys.token.id)).status).toBe(200)
})

describe('a request whose signature is wrong, late or used is refused', () => {
  const path = '/OS-OAUTH1/request_token'
  const ask = (authorization: string, projectId = user.projectId) =>
    send('POST', path, { headers: { authorization, 'requested-project-id': projectId } })

  test('the same request sent again', async () => {
    const authorization = signed(path, { consumer: await aConsumer() })
    expect((await ask(authorization)).status).toBe(201)
    expect((await ask(authorization)).status).toBe(401)
    const keys = await accessKeys()
    const nonce = { oauth_nonce: 'abc', oauth_timestamp: String(Math.floor(Date.now() / 1000)) }
    expect((await signIn(keys, nonce)).status).toBe(201)
    expect((await signIn(keys, nonce)).status).toBe(401)
  })

  test.each([
    [{ oauth_timestamp: String(Math.floor(Date.now() / 1000) - 1000) }],
    [{ oauth_timestamp: String(Math.floor(Date.now() / 1000) + 1000) }],
    [{ oauth_timestamp: 'now' }],
    [{ oauth_nonce: '' }],
    [{ oauth_signature_method: 'PLAINTEXT' }],
    [{ oauth_signature: 'x' }],
    [{ oauth_version: '2.0' }],
    [{ oauth_consumer_key: 'ffffffffffffffffffffffffffffffff' }],
  ])('a wrong parameter: %j', async (more) => {
    expect((await ask(signed(path, { consumer: await aConsumer() }, more))).status).toBe(401)
    expect((await signIn(await accessKeys(), more)).status).toBe(401)
  })

  test('signed for another address, signed with another secret, or without a header', async () => {
    const consumer = await aConsumer()
    expect((await ask(signed('/OS-OAUTH1/access_token', { consumer }))).status).toBe(401)
    expect((await ask(signed(path, { consumer: { ...consumer, secret: 'x' } }))).status).toBe(401)
    expect((await ask(signed(path, { consumer }), 'nope')).status).toBe(404)
    expect((await ask('Basic x')).status).toBe(400)
    const keys = await accessKeys()
    expect((await signIn({ ...keys, token: { ...keys.token, secret: 'x' } })).status).toBe(401)
    expect((await signIn({ ...keys, consumer })).status).toBe(401)
    expect((await signIn({ consumer: keys.consumer })).status).toBe(401)
    const scope = { scope: { project: { id: user.projectId } } }
    expect((await signIn(keys, {}, signInBody(scope))).status).toBe(401)
    expect((await send('POST', '/auth/tokens', { body: signInBody() })).status).toBe(400)
  })

  test('the host in the request line does not change the address that is signed', () => {
    for (const originalUrl of [
      '/identity/v3/a?b=c',
      'http://x/identity/v3/a?b=c',
      'HTTPS://x:1/identity/v3/a?b=c',
    ]) {
      const request = { method: 'POST', originalUrl, headers: { authorization: 'OAuth a="b"' } }
      const { url } = oauthRequest({ deps: cloud.deps, request: request as unknown as FastifyRequest })
      expect(url).toBe(`${cloud.deps.config.publicUrl}/identity/v3/a?b=c`)
    }
  })

  test('expired request tokens, access tokens and tokens made from them', async () => {
    const { keys } = await requestToken(await aConsumer())
    const { oauth_verifier: verifier } = (await authorize(keys.token.id)).json.token
    const access = await accessKeys()
    const token = await tokenFrom(access)
    const past = { data: { expiresAt: new Date(0) } }
    await cloud.deps.root.oAuthRequestToken.updateMany({ where: { id: keys.token.id }, ...past })
    await cloud.deps.root.oAuthAccessToken.updateMany({ where: { id: access.token.id }, ...past })
    expect((await exchange(keys, verifier)).status).toBe(401)
    expect((await signIn(access)).status).toBe(401)
    expect(await isGood(token)).toBe(false)
    await reconcilerNamed('delegation.expired-oauth').run(ctx)
    expect(await cloud.deps.root.oAuthRequestToken.count({ where: { id: keys.token.id } })).toBe(0)
    expect(await cloud.deps.root.oAuthAccessToken.count({ where: { id: access.token.id } })).toBe(0)
  })
})

describe('an access token gives no more than its user has, and ends', () => {
  test('a user cannot give roles that they do not have, nor roles in projects of others', async () => {
    const { keys } = await requestToken(await aConsumer())
    expect((await authorize(keys.token.id, [{ name: 'admin' }])).status).toBe(403)
    expect((await authorize(keys.token.id, [{ name: 'nope' }])).status).toBe(404)
    expect((await authorize(keys.token.id, [])).status).toBe(400)
    const other = await requestToken(keys.consumer, (await createProject(ctx, { name: 'theirs' })).id)
    expect((await authorize(other.keys.token.id)).status).toBe(404)
  })

  test('when a role that was given is deleted', async () => {
    const role = await createRole(ctx, { name: `printer-${user.name}` })
    const target = { projectId: user.projectId }
    await assignRole(ctx, { userId: user.userId, role: role.name, target })
    const keys = await accessKeys([{ id: role.id }])
    const token = await tokenFrom(keys)
    expect(await isGood(token)).toBe(true)
    await deleteRole(ctx, { id: role.id })
    expect(await isGood(token)).toBe(false)
    expect((await signIn(keys)).status).toBe(401)
  })

  test.each([
    ['the user is disabled', () => setUserEnabled(ctx, { userId: user.userId, enabled: false })],
    ['the project is disabled', () => setProjectEnabled(ctx, { projectId: user.projectId, enabled: false })],
    ['the user is deleted', () => deleteUser(ctx, { id: user.userId })],
  ])('when %s', async (_, end) => {
    const keys = await accessKeys()
    const token = await tokenFrom(keys)
    expect(await isGood(token)).toBe(true)
    await end()
    expect(await isGood(token)).toBe(false)
    expect((await signIn(keys)).status).toBe(401)
  })

  test('when the project is being deleted', async () => {
    const keys = await accessKeys()
    const asked = (await requestToken(keys.consumer)).keys
    await deleteProject(ctx, { id: user.projectId })
    const of = `/users/${user.userId}/OS-OAUTH1/access_tokens`
    expect((await send('GET', of, { token: admin })).json.access_tokens).toEqual([])
    expect((await signIn(keys)).status).toBe(401)
    expect(await cloud.deps.root.oAuthRequestToken.count({ where: { id: asked.token.id } })).toBe(0)
    expect((await requestToken(keys.consumer)).answer.status).toBe(404)
  })

  test('when the consumer is deleted, or the user deletes the access token', async () => {
    for (const end of [
      (keys: Keys) => send('DELETE', `/OS-OAUTH1/consumers/${keys.consumer.id}`, { token: admin }),
      (keys: Keys) =>
        send('DELETE', `/users/${user.userId}/OS-OAUTH1/access_tokens/${keys.token?.id}`, {
          token: user.token,
        }),
    ]) {
      const keys = await accessKeys()
      const token = await tokenFrom(keys)
      expect((await end(keys)).status).toBe(204)
      expect(await isGood(token)).toBe(false)
      expect((await signIn(keys)).status).toBe(401)
    }
  })
})

test('no token or credential can be made from an OAuth token', async () => {
  const keys = await accessKeys()
  const token = await tokenFrom(keys)
  const of = `/users/${user.userId}`
  const rescope = (scope: object) =>
    send('POST', '/auth/tokens', {
      body: { auth: { identity: { methods: ['token'], token: { id: token } }, ...scope } },
    })
  const trust = {
    trustor_user_id: user.userId,
    trustee_user_id: user.userId,
    project_id: user.projectId,
    roles: [{ name: 'member' }],
    impersonation: true,
  }
  const { keys: asked } = await requestToken(keys.consumer)
  const other = await accessKeys()
  for (const [what, refused] of [
    ['the same scope', await rescope({ scope: { project: { id: user.projectId } } })],
    ['no scope', await rescope({ scope: 'unscoped' })],
    ['a trust', await send('POST', '/OS-TRUST/trusts', { body: { trust }, token })],
    [
      'an application credential',
      await send('POST', `${of}/application_credentials`, {
        body: { application_credential: { name: 'x' } },
        token,
      }),
    ],
    [
      'an EC2 credential',
      await send('POST', `${of}/credentials/OS-EC2`, { body: { tenant_id: user.projectId }, token }),
    ],
    ['another consumer', await authorize(asked.token.id, undefined, token)],
    ['secrets for other projects', await send('GET', `${of}/credentials/OS-EC2`, { token })],
    ['secrets of all kinds', await send('GET', '/credentials', { token })],
    ['its own end', await send('DELETE', `${of}/OS-OAUTH1/access_tokens/${other.token.id}`, { token })],
  ] as const)
    expect([what, refused.status]).toEqual([what, 403])
})
