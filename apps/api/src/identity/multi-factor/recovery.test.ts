import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Deps, systemCtx } from '../../kernel/context.ts'
import { expectCloudError } from '../../kernel/testing.ts'
import { inAudit } from '../../operations/audit.testing.ts'
import { signIn } from '../service.ts'
import { testCloud, testUser } from '../testing.ts'
import { anonymousCtx, authenticate } from '../tokens.ts'
import { beginEnrolment, confirmEnrolment, disableCodes, ownSecondFactor, resetCodes } from './enrolment.ts'
import { isRecoveryCode, renewRecoveryCodes } from './recovery.ts'
import { codeAt, stepAt } from './totp.ts'

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
beforeAll(async () => {
  // The clock stands still, or a code could grow old between two lines of a test on a busy machine.
  vi.useFakeTimers({ toFake: ['Date'] })
  cloud = await testCloud()
  deps = cloud.deps
})
afterAll(async () => {
  vi.useRealTimers()
  await cloud.close()
})

let sources = 0
const source = () => `203.0.113.${++sources % 250}`
type Who = Awaited<ReturnType<typeof testUser>>
const enter = (who: Who, code?: string, requestId = 'test') =>
  signIn(
    anonymousCtx(deps, requestId),
    { user: who.name, password: who.password, domain: 'Default', code },
    source(),
  )
async function caller(who: Who) {
  const ctx = await authenticate(deps, (await enter(who)).token, 'test')
  if (!ctx) throw new Error('not signed in')
  return ctx
}
async function enrolled() {
  const who = await testUser(deps)
  const ctx = await caller(who)
  const { secret, enrolment } = await beginEnrolment(ctx)
  const { recoveryCodes } = await confirmEnrolment(
    ctx,
    {
      enrolment,
      code: codeAt(secret, stepAt(Date.now())),
    },
    '198.51.100.9',
  )
  return { who, ctx, recoveryCodes }
}
const rows = (who: Who) => deps.root.recoveryCode.findMany({ where: { userId: who.userId } })

test('ten codes come with the enrolment; nothing of them is kept but digests', async () => {
  const { who, ctx, recoveryCodes } = await enrolled()
  expect(recoveryCodes).toHaveLength(10)
  expect(new Set(recoveryCodes).size).toBe(10)
  for (const code of recoveryCodes) expect(code).toMatch(/^\d-[a-z2-9]{5}-[a-z2-9]{5}$/)
  const kept = JSON.stringify(await rows(who))
  for (const code of recoveryCodes) expect(kept).not.toContain(code.slice(2, 7))
  expect(kept).toContain('$argon2id$')
  expect(await ownSecondFactor(ctx)).toMatchObject({ enabled: true, recoveryCodesLeft: 10 })
})

test('each opens once, as it is written or not, of many at a time too; its use is in the audit log', async () => {
  const { who, ctx, recoveryCodes } = await enrolled()
  const [first = '', second = '', third = ''] = recoveryCodes
  const requestId = `req-${crypto.randomUUID()}`
  await enter(who, first, requestId)
  expect(await inAudit(deps, requestId)).toBe(true)
  expect((await expectCloudError(enter(who, first), 'unauthenticated')).field).toBe('code')
  await enter(who, second.replaceAll('-', '').toUpperCase())
  const many = await Promise.allSettled(Array.from({ length: 4 }, () => enter(who, third)))
  expect(many.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect((await ownSecondFactor(ctx)).recoveryCodesLeft).toBe(7)
})

test('wrong ones count like wrong codes of the app, and another user’s is wrong', async () => {
  const { who, recoveryCodes } = await enrolled()
  const other = await enrolled()
  const [right = ''] = recoveryCodes
  for (let i = 0; i < 5; i++)
    await expectCloudError(enter(who, other.recoveryCodes[i] ?? ''), 'unauthenticated')
  await expectCloudError(enter(who, right), 'unauthenticated')
  await deps.root.user.update({ where: { id: who.userId }, data: { codesWaitUntil: new Date(0) } })
  await enter(who, right)
})

test('new ones take the place of the old, with the password alone', async () => {
  const { who, ctx, recoveryCodes } = await enrolled()
  await expectCloudError(renewRecoveryCodes(ctx, { password: 'wrong' }, source()), 'invalid_input')
  const { recoveryCodes: renewed } = await renewRecoveryCodes(ctx, { password: who.password }, source())
  await expectCloudError(enter(who, recoveryCodes[0]), 'unauthenticated')
  await enter(who, renewed[0])
  await disableCodes(ctx, { password: who.password }, source())
  expect(await rows(who)).toEqual([])
  await expectCloudError(renewRecoveryCodes(ctx, { password: who.password }, source()), 'conflict')
})

test('they go when an administrator turns codes off', async () => {
  const { who } = await enrolled()
  await resetCodes(systemCtx(deps, 'test'), { id: who.userId })
  expect(await rows(who)).toEqual([])
})

test.each([
  ['3-abcde-fghjk', true],
  ['3ABCDEFGHJK', true],
  ['123456', false],
  ['3-abcde-fghj1', false],
  ['abcdefghjkm', false],
])('%s is a recovery code: %s', (text, is) => expect(isRecoveryCode(text)).toBe(is))
