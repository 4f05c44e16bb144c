import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteProject } from '../directory/projects/deletion.ts'
import { createProject } from '../directory/projects/service.ts'
import { assignRole, removeRole } from '../directory/roles/by-name.ts'
import { deleteUser, updateUser } from '../directory/users/service.ts'
import { type Ctx, type Deps, systemCtx } from '../kernel/context.ts'
import { expectCloudError, queriesOf } from '../kernel/testing.ts'
import { places, rescope, signIn, signOut } from './service.ts'
import { revokeAllSessions } from './sessions-list.ts'
import {
  setDomainEnabled,
  setPassword,
  setProjectEnabled,
  setUserEnabled,
  testCloud,
  testUser,
} from './testing.ts'
import { anonymousCtx, authenticate, hashToken, newTokenText, rightsNow, sessionAlive } from './tokens.ts'

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let system: Ctx
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  system = systemCtx(deps, 'test')
})
afterAll(() => cloud.close())

const enter = async (user: { name: string; password: string }) => (await begin(user)).token
const begin = (user: { name: string; password: string }) =>
  signIn(
    anonymousCtx(deps, 'req-test'),
    { user: user.name, password: user.password, domain: 'Default' },
    '192.0.2.1',
  )
const alive = async (token: string) => (await authenticate(deps, token, 'req-test')) !== null
async function callerOf(token: string): Promise<Ctx> {
  const ctx = await authenticate(deps, token, 'req-test')
  if (!ctx) throw new Error('token is not good')
  return ctx
}
const endings = () => deps.root.event.count({ where: { kind: 'session.ended' } })

describe('A14: an event that ends a token ends it at the next request', () => {
  type Person = Awaited<ReturnType<typeof testUser>>
  const rows: [string, (who: Person, token: string) => Promise<unknown>][] = [
    ['sign-out', async (_who, token) => signOut(await callerOf(token))],
    ['password change', (who) => setPassword(system, { userId: who.userId, password: 'another one' })],
    ['the same password set again', (who) => setPassword(system, who)],
    ['user disabled', (who) => setUserEnabled(system, { userId: who.userId, enabled: false })],
    ['user deleted', (who) => deleteUser(system, { id: who.userId })],
    ['project disabled', (who) => setProjectEnabled(system, { projectId: who.projectId, enabled: false })],
    [
      'last role removed',
      (who) =>
        removeRole(system, { userId: who.userId, role: 'member', target: { projectId: who.projectId } }),
    ],
  ]
  for (const [event, act] of rows)
    test(event, async () => {
      const who = await testUser(deps)
      const bystander = await testUser(deps)
      const token = await enter(who)
      const rescoped = await rescope(await callerOf(token), { projectId: who.projectId })
      const other = await enter(bystander)
      expect([await alive(token), await alive(rescoped.token)]).toEqual([true, true])
      const before = await endings()
      await act(who, token)
      expect([await alive(token), await alive(rescoped.token)]).toEqual([false, false])
      expect(await sessionAlive(deps, hashToken(token))).toBe(false)
      expect(await endings()).toBeGreaterThan(before)
      expect(await alive(other)).toBe(true)
    })

  test('a disabled domain ends tokens, and enabling a user or project again does not bring tokens back', async () => {
    const who = await testUser(deps)
    const token = await enter(who)
    await setDomainEnabled(system, { domainId: 'default', enabled: false })
    const during = await alive(token)
    await setDomainEnabled(system, { domainId: 'default', enabled: true })
    expect(during).toBe(false)

    const again = await enter(who)
    await setUserEnabled(system, { userId: who.userId, enabled: false })
    await setUserEnabled(system, { userId: who.userId, enabled: true })
    expect(await alive(again)).toBe(false)
    const third = await enter(who)
    await setProjectEnabled(system, { projectId: who.projectId, enabled: false })
    await setProjectEnabled(system, { projectId: who.projectId, enabled: true })
    expect(await alive(third)).toBe(false)
  })

  test('a sign-out ends the whole sign-in, also from a rescoped token, and no other sign-in', async () => {
    const who = await testUser(deps)
    const [laptop, phone] = [await enter(who), await enter(who)]
    const child = await rescope(await callerOf(laptop), { projectId: who.projectId })
    const grandchild = await rescope(await callerOf(child.token), { projectId: who.projectId })
    await signOut(await callerOf(grandchild.token))
    expect(await Promise.all([laptop, child.token, grandchild.token, phone].map(alive))).toEqual([
      false,
      false,
      false,
      true,
    ])
  })

  test('removing a role takes its rights from open tokens; admin implies member and reader', async () => {
    const who = await testUser(deps, { role: 'reader' })
    const target = { projectId: who.projectId }
    await assignRole(system, { userId: who.userId, role: 'admin', target })
    await assignRole(system, { userId: who.userId, role: 'admin', target })
    const token = await enter(who)
    expect([...(await callerOf(token)).roles].sort()).toEqual(['admin', 'member', 'reader'])
    const stream = await callerOf(token)
    expect([...((await rightsNow(stream)) ?? [])].sort()).toEqual(['admin', 'member', 'reader'])
    await removeRole(system, { userId: who.userId, role: 'admin', target })
    expect([...((await rightsNow(stream)) ?? [])]).toEqual(['reader'])
    expect([...(await callerOf(token)).roles]).toEqual(['reader'])
  })

  test('A14.1: a token expires to the second, by the clock of the database', async () => {
    const token = await enter(await testUser(deps))
    const expire = (seconds: number) =>
      deps.root
        .$executeRaw`UPDATE "Token" SET "expiresAt" = clock_timestamp() + ${seconds} * interval '1 second' WHERE "hash" = ${hashToken(token)}`
    await expire(1)
    expect(await alive(token)).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 1050))
    expect(await alive(token)).toBe(false)
    await expire(-1)
    expect(await alive(token)).toBe(false)
  })

  test('A14.2: a token from a token never expires later and keeps the audit chain', async () => {
    const who = await testUser(deps)
    let token = await enter(who)
    const first = await deps.root.token.findUniqueOrThrow({ where: { hash: hashToken(token) } })
    for (let round = 0; round < 3; round++)
      token = (await rescope(await callerOf(token), { projectId: who.projectId })).token
    const last = await deps.root.token.findUniqueOrThrow({ where: { hash: hashToken(token) } })
    expect(last.expiresAt.getTime()).toBeLessThanOrEqual(first.expiresAt.getTime())
    expect(last.parentAuditId, 'the anchor of the sign-in').toBe(first.parentAuditId)
    expect(last.methods).toEqual(['token', 'password'])
  })

  test('rescopings and a sign-out at the same time leave no token', async () => {
    const who = await testUser(deps)
    for (let round = 0; round < 5; round++) {
      const token = await enter(who)
      const ctx = await callerOf(token)
      const made = await Promise.allSettled([
        ...Array.from({ length: 6 }, () => rescope(ctx, { projectId: who.projectId })),
        signOut(ctx),
        ...Array.from({ length: 6 }, () => rescope(ctx, { projectId: who.projectId })),
      ])
      expect(made[6]?.status).toBe('fulfilled')
      expect(await deps.root.token.count({ where: { userId: who.userId } })).toBe(0)
    }
  })

  test('a sign-in with the old password at the time of its change leaves no token', async () => {
    const who = await testUser(deps)
    const [entered] = await Promise.allSettled([
      enter(who),
      setPassword(system, { userId: who.userId, password: 'new password' }),
    ])
    if (entered.status === 'fulfilled') expect(await alive(entered.value)).toBe(false)
    expect(await deps.root.token.count({ where: { userId: who.userId } })).toBe(0)
  })
})

describe('the anchor of a sign-in', () => {
  type Person = Awaited<ReturnType<typeof testUser>>
  const losses: [string, (who: Person) => Promise<unknown>][] = [
    ['project disabled', (who) => setProjectEnabled(system, { projectId: who.projectId, enabled: false })],
    ['project deleted', (who) => deleteProject(system, { id: who.projectId })],
    [
      'last role removed',
      (who) =>
        removeRole(system, { userId: who.userId, role: 'member', target: { projectId: who.projectId } }),
    ],
  ]
  test.each(losses)('outlives the place: %s', async (_event, act) => {
    const who = await testUser(deps)
    const other = await createProject(system, { name: `other-of-${who.name}` })
    await assignRole(system, { userId: who.userId, role: 'member', target: { projectId: other.id } })
    const { anchor, token } = await begin(who)
    const there = await rescope(await callerOf(anchor), { projectId: other.id })
    await act(who)
    expect(await Promise.all([anchor, token, there.token].map(alive))).toEqual([true, false, true])
    const caller = await callerOf(anchor)
    await expectCloudError(rescope(caller, { projectId: who.projectId }), 'not_found')
    expect(
      (await places(caller)).projects.map(({ id }) => id),
      'where to go on',
    ).toEqual([other.id])
  })

  test('has no right itself', async () => {
    const who = await testUser(deps)
    const { anchor, session } = await begin(who)
    expect(session.project?.id).toBe(who.projectId)
    const caller = await callerOf(anchor)
    expect([caller.scope, [...caller.roles]]).toEqual([{ kind: 'none' }, []])
  })

  test('lives on, but gives no token for a place, when an administrator asks for a factor more', async () => {
    const who = await testUser(deps)
    const { anchor } = await begin(who)
    const rules = { multi_factor_auth_enabled: true, multi_factor_auth_rules: [['password', 'totp']] }
    await updateUser(system, { id: who.userId, options: rules })
    const caller = await callerOf(anchor)
    await expectCloudError(rescope(caller, { projectId: who.projectId }), 'unauthenticated')
    expect(await alive(anchor)).toBe(true)
  })

  test.each<[string, (who: Person, token: string) => Promise<unknown>]>([
    ['sign-out in a project', async (_who, token) => signOut(await callerOf(token))],
    ['password change', (who) => setPassword(system, { userId: who.userId, password: 'another one' })],
    ['sign-out everywhere', (who) => revokeAllSessions(system, { userId: who.userId })],
    ['user disabled', (who) => setUserEnabled(system, { userId: who.userId, enabled: false })],
  ])('ends with the sign-in: %s', async (_event, act) => {
    const who = await testUser(deps)
    const { anchor, token } = await begin(who)
    await act(who, token)
    expect(await Promise.all([anchor, token].map(alive))).toEqual([false, false])
  })
})

describe('a token', () => {
  test('is in the database as a digest only', async () => {
    const token = await enter(await testUser(deps))
    const rows = await deps.root.$queryRaw<{ all: string }[]>`SELECT t::text AS all FROM "Token" t`
    expect(rows.some((r) => r.all.includes(hashToken(token)))).toBe(true)
    expect(rows.some((r) => r.all.includes(token.slice(5)))).toBe(false)
  })
  test.each([
    undefined,
    '',
    'nonsense',
    'slt_short',
    newTokenText(),
    `${newTokenText()}x`,
    'x'.repeat(100_000),
  ])('is not the text: %.20s', async (text) => expect(await authenticate(deps, text, 'req-test')).toBeNull())
  test('with one changed bit is another token', async () => {
    const token = await enter(await testUser(deps))
    const flipped = token.slice(0, 10) + (token[10] === 'A' ? 'B' : 'A') + token.slice(11)
    expect(await alive(flipped)).toBe(false)
    expect(await alive(token)).toBe(true)
  })
  test('is checked in one query, so nothing is cached that could be stale', async () => {
    const token = await enter(await testUser(deps))
    expect(await queriesOf(() => authenticate(deps, token, 'req-test'))).toBe(1)
  })
})
