import { createHash, createHmac } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assignRole, removeRole } from '../directory/roles/by-name.ts'
import { createCredential, getCredential, updateCredential } from '../identity/credentials/service.ts'
import { setUserEnabled, testCloud, testFacade, testUser } from '../identity/testing.ts'
import { authenticate, issueToken } from '../identity/tokens.ts'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import { expectCloudError } from '../kernel/testing.ts'
import { demandAccess, pathMatches } from './application-credentials/access-rules.ts'
import {
  createApplicationCredential,
  deleteApplicationCredential,
} from './application-credentials/service.ts'
import { createEc2Credential, deleteEc2Credential, listEc2Credentials } from './ec2/service.ts'
import { signatureHolds, signedRequest } from './ec2/signature.ts'
import { authorizeRequestToken } from './oauth1/request-tokens.ts'
import { createTrust, deleteTrust } from './trusts/service.ts'

/**
 * Delegations act in the name of a user: they never give more than the user has, never last longer, and end with the
 * session or credential that they were made from (A13).
 */

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let system: Ctx
let app: FastifyInstance
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  system = systemCtx(deps, 'test')
  app = await testFacade(deps)
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

type Who = Awaited<ReturnType<typeof testUser>>
let sources = 0
const post = (auth: object, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: '/identity/v3/auth/tokens',
    payload: { auth },
    headers,
    remoteAddress: `203.0.113.${++sources % 250}`,
  })
async function callerOf(text: string): Promise<Ctx> {
  const ctx = await authenticate(deps, text, 'test')
  if (!ctx) throw new Error('the token is not good')
  return ctx
}
async function signedIn(who: Who): Promise<{ ctx: Ctx; token: string }> {
  const scope = { kind: 'project' as const, projectId: who.projectId }
  const { text } = await inTransaction(system, (tx) =>
    issueToken(tx, { userId: who.userId, scope, methods: ['password'] }),
  )
  return { ctx: await callerOf(text), token: text }
}
const byApp = (application_credential: object) =>
  post({ identity: { methods: ['application_credential'], application_credential } })
const tokenOf = (answer: Awaited<ReturnType<typeof post>>) => String(answer.headers['x-subject-token'])

describe('application credentials', () => {
  test('get a token for their project, by id and by name, with the roles that were given', async () => {
    const who = await testUser(deps)
    const { ctx } = await signedIn(who)
    const made = await createApplicationCredential(ctx, { name: 'app', roles: [{ name: 'reader' }] })
    const kept = await deps.root.applicationCredential.findUniqueOrThrow({ where: { id: made.id } })
    expect(JSON.stringify(kept)).not.toContain(made.secret)
    for (const ref of [{ id: made.id }, { name: 'app', user: { id: who.userId } }]) {
      const answer = await byApp({ ...ref, secret: made.secret })
      expect(answer.statusCode, answer.body).toBe(201)
      expect(answer.json().token).toMatchObject({
        methods: ['application_credential'],
        project: { id: who.projectId },
        application_credential: { id: made.id, name: 'app', restricted: true },
        roles: [{ name: 'reader' }],
      })
    }
    expect((await byApp({ id: made.id, secret: 'wrong' })).statusCode).toBe(401)
    expect((await byApp({ id: 'f'.repeat(32), secret: made.secret })).statusCode).toBe(401)
    await expectCloudError(createApplicationCredential(ctx, { name: 'app' }), 'already_exists')
    await expectCloudError(
      createApplicationCredential(ctx, { name: 'b', roles: [{ name: 'admin' }] }),
      'forbidden',
    )
  })

  test('a secret that the user chose is hashed, and an expiry time holds', async () => {
    const { ctx } = await signedIn(await testUser(deps))
    const secret = 'a secret of my own'
    const made = await createApplicationCredential(ctx, { name: 'own', secret })
    expect((await byApp({ id: made.id, secret })).statusCode).toBe(201)
    await deps.root.applicationCredential.update({
      where: { id: made.id },
      data: { expiresAt: new Date(Date.now() - 1) },
    })
    expect((await byApp({ id: made.id, secret })).statusCode).toBe(401)
    const past = createApplicationCredential(ctx, { name: 'x', expiresAt: '2001-01-01T00:00:00Z' })
    await expectCloudError(past, 'invalid_input')
  })

  test('a restricted credential makes no others; whatever an unrestricted credential makes is bound to it (A13.1)', async () => {
    const who = await testUser(deps)
    const { ctx } = await signedIn(who)
    const act = async (unrestricted: boolean, expiresAt?: string) => {
      const made = await createApplicationCredential(ctx, {
        name: `r-${unrestricted}`,
        unrestricted,
        expiresAt,
      })
      return { made, ctx: await callerOf(tokenOf(await byApp({ id: made.id, secret: made.secret }))) }
    }
    const blob = JSON.stringify({ access: 'ab12', secret: 's' })
    const tries = (by: Ctx) => [
      () => createApplicationCredential(by, { name: 'child' }),
      () => createEc2Credential(by, {}),
      () => createCredential(by, { userId: who.userId, projectId: who.projectId, type: 'ec2', blob }),
      () =>
        createTrust(by, {
          ...{ trustorId: who.userId, trusteeId: who.userId, projectId: who.projectId },
          ...{ roles: [{ name: 'reader' }], impersonation: true, allowRedelegation: false },
        }),
    ]
    const restricted = await act(false)
    for (const attempt of tries(restricted.ctx)) await expectCloudError(attempt(), 'forbidden')
    const end = '2090-01-01T00:00:00Z'
    const free = await act(true, end)
    const child = await createApplicationCredential(free.ctx, { name: 'child' })
    expect(child.expiresAt).toBe(new Date(end).toISOString())
    const later = createApplicationCredential(free.ctx, { name: 'late', expiresAt: '2095-01-01T00:00:00Z' })
    await expectCloudError(later, 'forbidden')
    await createEc2Credential(free.ctx, {})
    await deleteApplicationCredential(ctx, { id: free.made.id })
    expect((await byApp({ id: child.id, secret: child.secret })).statusCode).toBe(401)
    expect(await deps.root.credential.count({ where: { userId: who.userId } })).toBe(0)
  })

  test('access rules allow the requests that they describe and no others', async () => {
    const who = await testUser(deps)
    const { ctx, token } = await signedIn(who)
    const made = await createApplicationCredential(ctx, {
      name: 'ruled',
      unrestricted: true,
      accessRules: [{ service: 'identity', method: 'GET', path: '/v3/users/{id}' }],
    })
    const ruled = tokenOf(await byApp({ id: made.id, secret: made.secret }))
    const get = async (path: string, with_ = ruled) =>
      (
        await app.inject({
          url: `/identity${path}`,
          headers: { 'x-auth-token': with_, 'x-subject-token': ruled },
        })
      ).statusCode
    expect(await get(`/v3/users/${who.userId}`)).toBe(200)
    expect(await get('/v3/auth/tokens')).toBe(200)
    for (const path of [
      '/v3/auth/projects',
      `/v3/users/${who.userId}/projects`,
      `/v3/users/${who.userId}%2f..`,
    ])
      expect(await get(path), path).toBe(403)
    expect(await get('/v3/auth/projects', token)).toBe(200)
    await expectCloudError(createApplicationCredential(await callerOf(ruled), { name: 'free' }), 'forbidden')
    const ruleId = made.accessRules?.[0]?.id ?? ''
    const url = `/identity/v3/users/${who.userId}/access_rules/${ruleId}`
    const drop = () => app.inject({ method: 'DELETE', url, headers: { 'x-auth-token': token } })
    const error = { code: 403, message: 'May not delete access rule in use', title: 'Forbidden' }
    expect((await drop()).json()).toEqual({ error })
    await deleteApplicationCredential(ctx, { id: made.id })
    expect((await drop()).statusCode).toBe(204)
  })

  test.each([
    ['/v2.1/servers/*', '/v2.1/servers/1', true],
    ['/v2.1/servers/*', '/v2.1/servers/', false],
    ['/v2.1/servers/*', '/v2.1/servers/1/action', false],
    ['/v2.1/**', '/v2.1/servers/1/action', true],
    ['/v2.1/servers/{id}/action', '/v2.1/servers/1/action', true],
    ['/v2.1/servers', '/v2.1/serversx', false],
    ['/v2.1/ser.ers', '/v2.1/servers', false],
    [`/${'**'.repeat(120)}x`, `/${'a'.repeat(2000)}`, false],
  ])('the pattern %s and the path %s: fits is %s', (pattern, path, fits) =>
    expect(pathMatches(pattern, path)).toBe(fits),
  )

  test('a path that could be read in two ways fits no rule', () => {
    const rules = [{ service: 'compute', method: 'GET', path: '**' }]
    const ask = (path: string) => () =>
      demandAccess(rules, { id: '', service: 'compute', method: 'GET', path })
    expect(ask('/v2.1/servers')).not.toThrow()
    for (const path of ['/a#/b', '/a%2Fb', '/a;b', '/a%23', '/%zz', '/a\\b'])
      expect(ask(path), path).toThrow()
  })
})

describe('stored credentials', () => {
  test('are sealed, belong to one user for good, and name no delegation', async () => {
    const [who, other] = [await testUser(deps), await testUser(deps)]
    const { ctx } = await signedIn(who)
    const { ctx: stranger } = await signedIn(other)
    const blob = JSON.stringify({ access: 'canary-access', secret: 'canary-secret' })
    const input = { userId: who.userId, projectId: who.projectId, type: 'ec2', blob }
    const made = await createCredential(ctx, input)
    const row = await deps.root.credential.findUniqueOrThrow({ where: { id: made.id } })
    expect(made.id).toBe(createHash('sha256').update('canary-access').digest('hex'))
    expect(JSON.stringify({ ...row, lastStep: 0 })).not.toContain('canary-secret')
    expect((await getCredential(ctx, { id: made.id })).blob).toBe(blob)
    await expectCloudError(getCredential(stranger, { id: made.id }), 'not_found')
    const change = (more: object) => updateCredential(ctx, { id: made.id, ...more })
    await expectCloudError(change({ userId: other.userId }), 'forbidden')
    await expectCloudError(change({ projectId: other.projectId }), 'forbidden')
    const trusted = JSON.stringify({ access: 'canary-access', secret: 'x', trust_id: 'f'.repeat(32) })
    await expectCloudError(change({ blob: trusted }), 'forbidden')
    await expectCloudError(createCredential(ctx, { ...input, blob: trusted }), 'forbidden')
    await expectCloudError(createCredential(stranger, input), 'forbidden')
    // A sealed blob does not open under the id of another row.
    await deps.root.credential.update({ where: { id: made.id }, data: { id: 'a'.repeat(64) } })
    await expectCloudError(getCredential(ctx, { id: 'a'.repeat(64) }), 'internal')
  })

  test('AWS’s own example of a signature holds during its 15 minutes (Signature Version 4, get-vanilla-query)', () => {
    const request = signedRequest.parse({
      access: 'AKIDEXAMPLE',
      signature: '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
      host: 'iam.amazonaws.com',
      verb: 'GET',
      path: '/',
      params: { Action: 'ListUsers', Version: '2010-05-08' },
      headers: {
        Host: 'iam.amazonaws.com',
        'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
        'X-Amz-Date': '20150830T123600Z',
        Authorization:
          'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
      },
      body_hash: createHash('sha256').update('').digest('hex'),
    })
    const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
    const at = Date.parse('2015-08-30T12:36:00Z')
    expect(signatureHolds(request, secret, at)).toBe(true)
    expect(signatureHolds(request, secret, at + 14 * 60_000)).toBe(true)
    for (const late of [16, -16]) expect(signatureHolds(request, secret, at + late * 60_000)).toBe(false)
    expect(signatureHolds({ ...request, path: '/other' }, secret, at)).toBe(false)
    expect(signatureHolds({ ...request, params: { Action: 'X' } }, secret, at)).toBe(false)
    expect(signatureHolds(request, 'another', at)).toBe(false)
  })

  test('an EC2 token gives the user’s roles in its project, is issued to services alone, and ends with the key', async () => {
    const who = await testUser(deps)
    const { ctx, token } = await signedIn(who)
    const { access, secret } = await createEc2Credential(ctx, {})
    const params = {
      SignatureVersion: '2',
      SignatureMethod: 'HmacSHA256',
      Timestamp: new Date().toISOString(),
    }
    const query = Object.entries(params)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&')
    const signature = createHmac('sha256', secret).update(`GET\nec2.test\n/\n${query}`).digest('base64')
    const ask = (by: string, more: object = {}) =>
      app.inject({
        method: 'POST',
        url: '/identity/v3/ec2tokens',
        headers: { 'x-auth-token': by },
        payload: {
          credentials: { access, signature, host: 'ec2.test', verb: 'GET', path: '/', params, ...more },
        },
      })
    const admin = (await signedIn(await testUser(deps, { role: 'admin' }))).token
    expect((await ask(token)).statusCode).toBe(403)
    const answer = await ask(admin)
    expect(answer.statusCode, answer.body).toBe(200)
    expect(answer.json().token).toMatchObject({ user: { id: who.userId }, project: { id: who.projectId } })
    // A token that holds in one project makes nothing for another project.
    const by = await callerOf(tokenOf(answer))
    for (const wider of [
      () => createEc2Credential(by, {}),
      () => listEc2Credentials(by, {}),
      () => createApplicationCredential(by, { name: 'child' }),
      () => authorizeRequestToken(by, 'any', [{ name: 'member' }]),
    ])
      await expectCloudError(wider(), 'forbidden')
    for (const more of [{ signature: 'x' }, { access: 'unknown' }, { path: '/x' }])
      expect((await ask(admin, more)).statusCode).toBe(401)
    await makesNothingElsewhere(await callerOf(tokenOf(answer)), who)
    await deleteEc2Credential(ctx, { access })
    expect(await authenticate(deps, tokenOf(answer), 'test')).toBeNull()
    expect((await ask(admin)).statusCode).toBe(401)
  })
})

/** The token makes nothing that would be of use in another project, though its user has a role there. */
async function makesNothingElsewhere(by: Ctx, { userId }: Who): Promise<void> {
  const { projectId } = await testUser(deps)
  await assignRole(system, { userId, role: 'member', target: { projectId } })
  const blob = JSON.stringify({ access: `elsewhere-${userId}`, secret: 'x' })
  const trust = { trustorId: userId, trusteeId: userId, roles: [{ name: 'member' }], impersonation: true }
  await expectCloudError(createTrust(by, { ...trust, projectId, allowRedelegation: false }), 'forbidden')
  await expectCloudError(createEc2Credential(by, { projectId }), 'forbidden')
  await expectCloudError(createCredential(by, { userId, projectId, type: 'ec2', blob }), 'forbidden')
}

describe('trusts', () => {
  const give = (ctx: Ctx, who: Who, trusteeId: string, more: object = {}) =>
    createTrust(ctx, {
      ...{ trustorId: who.userId, trusteeId, projectId: who.projectId, roles: [{ name: 'reader' }] },
      ...{ impersonation: false, allowRedelegation: false, ...more },
    })
  const enter = (token: string, id: string) =>
    post({ identity: { methods: ['token'], token: { id: token } }, scope: { 'OS-TRUST:trust': { id } } })

  test.each([true, false])(
    'the trustee acts with the roles that were given; impersonation %s',
    async (impersonation) => {
      const [giver, taker, third] = [await testUser(deps), await testUser(deps), await testUser(deps)]
      const { ctx } = await signedIn(giver)
      const trustee = await signedIn(taker)
      const trust = await give(ctx, giver, taker.userId, { impersonation, remainingUses: 2 })
      const answer = await enter(trustee.token, trust.id)
      expect(answer.statusCode, answer.body).toBe(201)
      expect(answer.json().token).toMatchObject({
        user: { id: impersonation ? giver.userId : taker.userId },
        project: { id: giver.projectId },
        roles: [{ name: 'reader' }],
        'OS-TRUST:trust': { id: trust.id, impersonation, trustee_user: { id: taker.userId } },
      })
      const by = await callerOf(tokenOf(answer))
      await expectCloudError(give(by, giver, third.userId), 'forbidden')
      await expectCloudError(createEc2Credential(by, { userId: by.actor.userId }), 'forbidden')
      // Neither the trust of another trustee nor the token of a trust opens this trust.
      expect((await enter((await signedIn(third)).token, trust.id)).statusCode).toBe(403)
      expect((await enter(tokenOf(answer), trust.id)).statusCode).toBe(403)
      expect((await enter(trustee.token, trust.id)).statusCode).toBe(201)
      expect((await enter(trustee.token, trust.id)).statusCode, 'used up').toBe(403)
      // The token ends with the session that it was made from.
      const out = { 'x-auth-token': trustee.token, 'x-subject-token': trustee.token }
      const gone = await app.inject({ method: 'DELETE', url: '/identity/v3/auth/tokens', headers: out })
      expect(gone.statusCode, gone.body).toBe(204)
      expect(await authenticate(deps, tokenOf(answer), 'test')).toBeNull()
    },
  )

  test('the token of a trust ends at once with the trust, the role of the trustor, or the trustor', async () => {
    const ends: ((giver: Who, ctx: Ctx, id: string) => Promise<unknown>)[] = [
      (_giver, ctx, id) => deleteTrust(ctx, { id }),
      (giver) =>
        removeRole(system, { userId: giver.userId, role: 'member', target: { projectId: giver.projectId } }),
      (giver) => setUserEnabled(system, { userId: giver.userId, enabled: false }),
    ]
    for (const end of ends) {
      const [giver, taker] = [await testUser(deps), await testUser(deps)]
      const { ctx } = await signedIn(giver)
      const trustee = await signedIn(taker)
      const trust = await give(ctx, giver, taker.userId)
      const token = tokenOf(await enter(trustee.token, trust.id))
      await callerOf(token)
      await end(giver, ctx, trust.id)
      expect(await authenticate(deps, token, 'test')).toBeNull()
      expect((await enter(trustee.token, trust.id)).statusCode).toBe(403)
    }
  })

  test('a trust is handed on as often as allowed, never wider or longer, and ends with the first trust', async () => {
    const [giver, second, third] = [await testUser(deps), await testUser(deps), await testUser(deps)]
    const { ctx } = await signedIn(giver)
    const expiresAt = '2090-01-01T00:00:00Z'
    const first = await give(ctx, giver, second.userId, {
      ...{ impersonation: true, allowRedelegation: true, redelegationCount: 1, expiresAt },
    })
    const by = await callerOf(tokenOf(await enter((await signedIn(second)).token, first.id)))
    await expectCloudError(give(by, giver, third.userId, { roles: [{ name: 'member' }] }), 'forbidden')
    await expectCloudError(give(by, giver, third.userId, { expiresAt: '2095-01-01T00:00:00Z' }), 'forbidden')
    await expectCloudError(
      give(by, giver, third.userId, { allowRedelegation: true, redelegationCount: 1 }),
      'forbidden',
    )
    const next = await give(by, giver, third.userId, { impersonation: true })
    expect(next).toMatchObject({
      redelegatedTrustId: first.id,
      redelegationCount: 0,
      trustorId: giver.userId,
    })
    expect(next.expiresAt).toBe(new Date(expiresAt).toISOString())
    const token = tokenOf(await enter((await signedIn(third)).token, next.id))
    const last = await callerOf(token)
    await expectCloudError(give(last, giver, second.userId), 'forbidden')
    await deleteTrust(ctx, { id: first.id })
    expect(await authenticate(deps, token, 'test')).toBeNull()
  })
})
