import { afterAll, beforeAll, expect, test } from 'vitest'
import { resetPassword } from '../directory/users/password.ts'
import { createUser, updateUser } from '../directory/users/service.ts'
import { changePassword } from '../identity/own-password.ts'
import { signIn } from '../identity/service.ts'
import { testCloud, testUser } from '../identity/testing.ts'
import { anonymousCtx } from '../identity/tokens.ts'
import { type Ctx, type Deps, systemCtx } from '../kernel/context.ts'
import { expectCloudError } from '../kernel/testing.ts'

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let system: Ctx
let anyone: Ctx
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  system = systemCtx(deps, 'test')
  anyone = anonymousCtx(deps, 'test')
})
afterAll(() => cloud.close())
let lastSource = 0
const source = () => `198.51.100.${++lastSource % 250}`
const enter = (user: string, password: string, from = source()) =>
  signIn(anyone, { user, password, domain: 'Default' }, from)
const change = (user: string, oldPassword: string, password: string, from = source()) =>
  changePassword(anyone, { user: { name: user, domain: 'Default' }, oldPassword, password }, from)
async function withRules(rules: object, work: () => Promise<void>): Promise<void> {
  const before = { ...deps.config.passwordRules }
  Object.assign(deps.config.passwordRules, rules)
  await work().finally(() => Object.assign(deps.config.passwordRules, before))
}

test('a password is changed only with the old password, within the rules, and never to the same password', async () => {
  const who = await testUser(deps)
  await expect(change(who.name, 'wrong password', 'another one')).rejects.toMatchObject({
    code: 'unauthenticated',
    field: 'oldPassword',
  })
  await expectCloudError(change(who.name, who.password, 'short'), 'invalid_input', /at least 8/)
  await expectCloudError(change(who.name, who.password, who.password), 'invalid_input')
  await change(who.name, who.password, 'another one')
  await expectCloudError(enter(who.name, who.password), 'unauthenticated')
  await enter(who.name, 'another one')
})

test('a pattern that the operator sets holds for every new password', () =>
  withRules({ pattern: { expression: '[0-9]', sentence: 'It needs a digit.' } }, async () => {
    const who = await testUser(deps)
    await expectCloudError(change(who.name, who.password, 'without digits'), 'invalid_input', /needs a digit/)
    await change(who.name, who.password, 'with 1 digit')
  }).finally(() => {
    delete deps.config.passwordRules.pattern
  }))

test('A16.6: guessing through the change of a password locks like guessing at sign-in', async () => {
  const who = await testUser(deps)
  const from = source()
  for (let i = 0; i < 5; i++)
    await expectCloudError(change(who.name, `wrong ${i}`, 'another one', from), 'unauthenticated')
  await expectCloudError(change(who.name, who.password, 'another one', from), 'unauthenticated')
  await expectCloudError(enter(who.name, who.password, from), 'unauthenticated')
  await updateUser(system, {
    id: who.userId,
    email: undefined,
    options: { ignore_lockout_failure_attempts: true },
  })
  await enter(who.name, who.password)
})

test('none of the last three passwords can be used again', () =>
  withRules({ history: 3 }, async () => {
    const who = await testUser(deps)
    await change(who.name, who.password, 'password two')
    await change(who.name, 'password two', 'password three')
    for (const old of [who.password, 'password two', 'password three'])
      await expectCloudError(change(who.name, 'password three', old), 'invalid_input', /last 3/)
    await change(who.name, 'password three', 'password four')
    await change(who.name, 'password four', who.password)
    expect(await deps.root.oldPassword.count({ where: { userId: who.userId } })).toBe(2)
  }))

test('an expired password can be changed, but does not sign in', async () => {
  const who = await testUser(deps)
  const expire = () =>
    deps.root.user.update({
      where: { id: who.userId },
      data: { passwordExpiresAt: new Date(Date.now() - 1000) },
    })
  await expire()
  await expectCloudError(enter(who.name, 'wrong password'), 'unauthenticated', /requires authentication/)
  await expectCloudError(enter(who.name, who.password), 'unauthenticated', /run out/)
  await withRules({ lifetimeDays: 30 }, () => change(who.name, who.password, 'another one'))
  const { session } = await enter(who.name, 'another one')
  const days = (Date.parse(session.passwordExpiresAt ?? '') - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(29.9)
  expect(days).toBeLessThanOrEqual(30)
  await expire()
  await updateUser(system, { id: who.userId, email: undefined, options: { ignore_password_expiry: true } })
  expect((await enter(who.name, 'another one')).session.passwordExpiresAt).toBeNull()
})

test('a password that an administrator has set must be changed first, when the cloud requires this', () =>
  withRules({ changeFirst: true }, async () => {
    const who = await testUser(deps)
    await expectCloudError(enter(who.name, who.password), 'unauthenticated', /run out/)
    await change(who.name, who.password, 'my own one')
    await enter(who.name, 'my own one')
    const robot = await createUser(system, {
      name: 'robot',
      password: 'robot password',
      options: { ignore_change_password_upon_first_use: true },
    })
    await enter(robot.name, 'robot password')
  }))

test('a locked password is changed by administrators only', async () => {
  const who = await testUser(deps)
  await updateUser(system, { id: who.userId, email: undefined, options: { lock_password: true } })
  await expectCloudError(change(who.name, who.password, 'another one'), 'forbidden')
  await resetPassword(system, { id: who.userId, password: 'another one' })
  await updateUser(system, { id: who.userId, email: undefined, options: { lock_password: null } })
  await change(who.name, 'another one', 'the third one')
})
