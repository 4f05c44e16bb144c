import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Deps, systemCtx } from '../../kernel/context.ts'
import { expectCloudError } from '../../kernel/testing.ts'
import { rescope, signIn } from '../service.ts'
import { setPassword, testCloud, testFacade, testUser } from '../testing.ts'
import { anonymousCtx, authenticate, sessionAlive } from '../tokens.ts'
import { beginEnrolment, confirmEnrolment, disableCodes, ownSecondFactor, resetCodes } from './enrolment.ts'
import { codeAt, newSeed, otpauthUri, readSeed, stepAt, stepOf } from './totp.ts'

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let app: FastifyInstance
// The clock stands still, because a code could expire between two lines of a test on a busy machine.
vi.useFakeTimers({ toFake: ['Date'] })

beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  app = await testFacade(deps)
})
afterAll(async () => {
  vi.useRealTimers()
  await app.close()
  await cloud.close()
})
let sources = 0
const source = () => `198.51.100.${++sources % 250}`
type Who = Awaited<ReturnType<typeof testUser>>
const enter = (who: Who, code?: string) =>
  signIn(
    anonymousCtx(deps, 'test'),
    { user: who.name, password: who.password, domain: 'Default', code },
    source(),
  )
async function caller(who: Who) {
  const ctx = await authenticate(deps, (await enter(who)).token, 'test')
  if (!ctx) throw new Error('not signed in')
  return ctx
}
const post = (auth: object, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: '/identity/v3/auth/tokens',
    payload: { auth },
    headers,
    remoteAddress: source(),
  })
/** A user with codes on. `forget` makes a code that was used valid again. */
async function enrolled() {
  const who = await testUser(deps)
  const ctx = await caller(who)
  const { secret, enrolment } = await beginEnrolment(ctx)
  await confirmEnrolment(ctx, { enrolment, code: codeAt(secret, stepAt(Date.now())) }, source())
  const forget = () =>
    deps.root.credential.updateMany({ where: { userId: who.userId }, data: { lastStep: null } })
  await forget()
  return { who, ctx, secret, forget, code: () => codeAt(secret, stepAt(Date.now())) }
}
const wrongCode = (right: string) => String((Number(right) + 1) % 1_000_000).padStart(6, '0')

test('the SHA-1 codes of RFC 6238, appendix B, come out right, cut to six digits', () => {
  const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
  expect(readSeed(seed).toString()).toBe('12345678901234567890')
  for (const [seconds, code] of [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ] as const) {
    expect(codeAt(seed, stepAt(seconds * 1000))).toBe(code)
    for (const shift of [-30, 0, 30]) expect(stepOf(seed, code, (seconds + shift) * 1000)).not.toBeNull()
    for (const shift of [-61, 61]) expect(stepOf(seed, code, (seconds + shift) * 1000)).toBeNull()
  }
  expect(newSeed()).toMatch(/^[A-Z2-7]{32}$/)
  expect(otpauthUri(seed, 'a b', 'The Cloud')).toMatch(
    /^otpauth:\/\/totp\/The%20Cloud:a%20b\?secret=GEZ\w+&issuer=The%20Cloud&/,
  )
})

describe('at the portal', () => {
  test('codes are on after a code of the app, asked for only after the right password, and off with the password', async () => {
    const who = await testUser(deps)
    const [ctx, other] = [await caller(who), await caller(who)]
    const { secret, enrolment } = await beginEnrolment(ctx)
    expect(await ownSecondFactor(ctx)).toMatchObject({ enabled: false })
    const right = codeAt(secret, stepAt(Date.now()))
    await expectCloudError(
      confirmEnrolment(ctx, { enrolment, code: wrongCode(right) }, source()),
      'invalid_input',
    )
    await expectCloudError(
      confirmEnrolment(await caller(await testUser(deps)), { enrolment, code: right }, source()),
      'invalid_input',
    )
    expect(await confirmEnrolment(ctx, { enrolment, code: right }, source())).toMatchObject({ enabled: true })
    // The same enrolment is not taken twice.
    await expectCloudError(confirmEnrolment(ctx, { enrolment, code: right }, source()), 'conflict')
    // This session continues and may move to another project; the session without a code has ended.
    await rescope(ctx, { projectId: who.projectId })
    expect(await sessionAlive(deps, other.actor.tokenHash ?? '')).toBe(false)
    expect(await sessionAlive(deps, ctx.actor.tokenHash ?? '')).toBe(true)
    await expectCloudError(rescope(other, { projectId: who.projectId }), 'unauthenticated')
    expect((await expectCloudError(enter(who), 'unauthenticated')).field).toBe('code')
    const stranger = await expectCloudError(enter({ ...who, password: 'wrong password' }), 'unauthenticated')
    expect(stranger.field).toBeNull()
    // The code of the enrolment cannot be used again.
    expect((await expectCloudError(enter(who, right), 'unauthenticated')).field).toBe('code')
    await enter(who, codeAt(secret, stepAt(Date.now()) + 1))
    await expectCloudError(disableCodes(ctx, { password: 'wrong password' }, source()), 'invalid_input')
    expect(await disableCodes(ctx, { password: who.password }, source())).toMatchObject({ enabled: false })
    await enter(who)
  })

  test('A15.4: five wrong codes lock the account, though the password is right each time', async () => {
    const { who, code, forget } = await enrolled()
    for (let i = 0; i < 5; i++) await expectCloudError(enter(who, wrongCode(code())), 'unauthenticated')
    await expectCloudError(enter(who, code()), 'unauthenticated')
    await deps.root.user.update({ where: { id: who.userId }, data: { codesWaitUntil: new Date(0) } })
    await forget()
    await enter(who, code())
    expect(await deps.root.user.findUniqueOrThrow({ where: { id: who.userId } })).toMatchObject({
      failedCodes: 0,
    })
  })

  test('a code works once, also when several requests use it at once', async () => {
    const { who, code } = await enrolled()
    const right = code()
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => enter(who, right)))
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
  })
})

describe('POST /v3/auth/tokens', () => {
  const password = (who: Who) => ({ user: { id: who.userId, password: who.password } })
  const totp = (who: Who, passcode: string) => ({ user: { id: who.userId, passcode } })

  test('the password alone gives a receipt, which a code turns into a token once', async () => {
    const { who, code, forget } = await enrolled()
    const first = await post({ identity: { methods: ['password'], password: password(who) } })
    expect([first.statusCode, first.headers['x-subject-token']]).toEqual([401, undefined])
    expect(first.json()).toMatchObject({
      receipt: { methods: ['password'], user: { id: who.userId, domain: { name: 'Default' } } },
      required_auth_methods: [['password', 'totp']],
    })
    const headers = { 'openstack-auth-receipt': String(first.headers['openstack-auth-receipt']) }
    const second = { identity: { methods: ['totp'], totp: totp(who, code()) } }
    expect((await post(second)).statusCode, 'without the receipt').toBe(401)
    const done = await post(second, headers)
    expect(done.statusCode, done.body).toBe(201)
    expect(done.json().token.methods.sort()).toEqual(['password', 'totp'])
    await forget()
    expect((await post(second, headers)).statusCode, 'the receipt is used').toBe(401)
  })

  test('no order of methods, no token and no receipt of another user gets round the code', async () => {
    const { who, code, forget } = await enrolled()
    const [right, wrong] = [code(), wrongCode(code())]
    const both = (methods: string[], passcode: string) =>
      post({ identity: { methods, password: password(who), totp: totp(who, passcode) } })
    for (const methods of [
      ['password', 'totp'],
      ['totp', 'password'],
    ]) {
      expect((await both(methods, wrong)).statusCode).toBe(401)
      expect((await both(methods, right)).statusCode).toBe(201)
      await forget()
    }
    expect((await both(['totp'], right)).statusCode).toBe(401)
    const other = await enrolled()
    const receipt = await post({ identity: { methods: ['password'], password: password(other.who) } })
    const headers = { 'openstack-auth-receipt': String(receipt.headers['openstack-auth-receipt']) }
    expect(
      (await post({ identity: { methods: ['totp'], totp: totp(who, right) } }, headers)).statusCode,
    ).toBe(401)
    // A token that was made before codes were on gives no other token.
    const plain = await testUser(deps)
    const session = await enter(plain)
    await deps.root.user.update({
      where: { id: plain.userId },
      data: { options: { multi_factor_auth_enabled: true, multi_factor_auth_rules: [['password', 'totp']] } },
    })
    const again = await post({ identity: { methods: ['token'], token: { id: session.token } } })
    expect(again.statusCode).toBe(401)
  })

  test('an expired password is reported in Keystone’s words, but only to callers who know the password', async () => {
    const who = await testUser(deps)
    await deps.root.user.update({ where: { id: who.userId }, data: { passwordExpiresAt: new Date(0) } })
    const answer = await post({ identity: { methods: ['password'], password: password(who) } })
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, expect.any(String)])
    expect(answer.json().error.message).toBe(
      `The password is expired and needs to be changed for user: ${who.userId}.`,
    )
    const guess = { user: { id: who.userId, password: 'wrong password' } }
    const wrong = await post({ identity: { methods: ['password'], password: guess } })
    expect(wrong.body).not.toContain('expired')
  })

  test('an administrator turns codes off for a user who lost their phone; all sessions end; members cannot do this', async () => {
    const { who, ctx } = await enrolled()
    const open = () => sessionAlive(deps, ctx.actor.tokenHash ?? '')
    expect(await open()).toBe(true)
    const system = systemCtx(deps, 'test')
    const session = await enter(who, undefined).catch(() => null)
    expect(session, 'needs a code').toBeNull()
    const { ctx: other } = await enrolled()
    await expectCloudError(resetCodes(other, { id: who.userId }), 'not_found')
    await resetCodes(system, { id: who.userId })
    expect(await open()).toBe(false)
    const { token } = await enter(who)
    expect(await authenticate(deps, token, 'test')).not.toBeNull()
    await expectCloudError(resetCodes(system, { id: who.userId }), 'conflict')
    expect(await deps.root.credential.count({ where: { userId: who.userId, type: 'totp' } })).toBe(0)
  })

  test('a receipt ends when the password that it stands on changes', async () => {
    const { who, code } = await enrolled()
    const first = await post({ identity: { methods: ['password'], password: password(who) } })
    const headers = { 'openstack-auth-receipt': String(first.headers['openstack-auth-receipt']) }
    await setPassword(systemCtx(deps, 'test'), { userId: who.userId, password: 'another password' })
    const answer = await post({ identity: { methods: ['totp'], totp: totp(who, code()) } }, headers)
    expect(answer.statusCode).toBe(401)
  })
})
