import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashPassword, isPossiblePassword, verifyPassword } from '../directory/passwords.ts'
import { createProject, onProjectCreated } from '../directory/projects/service.ts'
import { seedIdentity } from '../directory/seed.ts'
import { createUser } from '../directory/users/service.ts'
import { type Ctx, type Deps, systemCtx } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { expectCloudError } from '../kernel/testing.ts'
import { projects, rescope, session, signIn } from './service.ts'
import {
  adminPassword,
  demoPassword,
  setDomainEnabled,
  setUserEnabled,
  testCloud,
  testUser,
} from './testing.ts'
import { SourceThrottle } from './throttle.ts'
import { anonymousCtx, authenticate } from './tokens.ts'

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let system: Ctx
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  system = systemCtx(deps, 'test')
})
afterAll(() => cloud.close())

let sources = 0
const newSource = () => `192.0.2.${++sources % 250}-${sources}`
const enter = (user: string, password: string, source = newSource(), domain = 'Default') =>
  signIn(anonymousCtx(deps, 'req-test'), { user, password, domain }, source)
async function callerOf(token: string): Promise<Ctx> {
  const ctx = await authenticate(deps, token, 'req-test')
  if (!ctx) throw new Error('token is not good')
  return ctx
}

describe('seed and sign-in', () => {
  test('admin and demo sign in to their own projects with their rights', async () => {
    const admin = (await enter('admin', adminPassword)).session
    expect(admin).toMatchObject({ project: { name: 'admin' }, admin: true, user: { domainName: 'Default' } })
    const demo = await enter('demo', demoPassword)
    expect(demo.session).toMatchObject({
      project: { name: 'demo' },
      admin: false,
      roles: ['member', 'reader'],
    })
    expect(await session(await callerOf(demo.token))).toEqual(demo.session)
  })
  test('a sign-in is in the audit log with its source; moving the session to another project is not', async () => {
    const { userId } = (await callerOf((await enter('demo', demoPassword)).token)).actor
    const before = await deps.root.event.count({ where: { kind: 'session.started', resourceId: userId } })
    const source = newSource()
    const caller = await callerOf((await enter('demo', demoPassword, source)).token)
    await rescope(caller, { projectId: (await projects(caller))[0]?.id ?? '' })
    // A program signs in again within the same minute.
    await enter('demo', demoPassword, source)
    await expectCloudError(enter('demo', 'not the password'), 'unauthenticated')
    const events = await deps.root.event.findMany({
      where: { kind: 'session.started', resourceId: userId },
      orderBy: { id: 'desc' },
    })
    expect(events).toHaveLength(before + 1)
    expect(events[0]).toMatchObject({
      actorId: userId,
      projectId: null,
      // The sign-in itself is for no place.
      data: { methods: ['password'], scope: 'none', source },
    })
  })
  test('seeding again changes nothing, above all no password', async () => {
    const before = await deps.root.user.findMany({ orderBy: { id: 'asc' } })
    expect(await seedIdentity(deps, { adminPassword: 'other', demoPassword })).toEqual(['demo'])
    expect(await deps.root.user.findMany({ orderBy: { id: 'asc' } })).toEqual(before)
    expect(await deps.root.roleAssignment.count()).toBe(4)
    await expectCloudError(enter('admin', 'other'), 'unauthenticated')
  })
  test('“last signed in” is exact to a minute', async () => {
    const { userId: id, name, password } = await testUser(deps)
    const from = newSource()
    await enter(name, password, from)
    const ago = new Date(Date.now() - 2 * 60_000)
    await deps.root.user.update({ where: { id }, data: { lastActiveAt: ago } })
    await enter(name, password, from)
    const { lastActiveAt } = await deps.root.user.findUniqueOrThrow({ where: { id } })
    expect(lastActiveAt?.getTime()).toBeGreaterThan(ago.getTime() + 60_000)
  })
  test('users list and enter their own projects only; another project is the same 404 as an unknown project', async () => {
    const caller = await callerOf((await enter('admin', adminPassword)).token)
    const own = await projects(caller)
    expect(own.map((p) => p.name)).toEqual(['admin', 'demo'])
    const other = await rescope(caller, { projectId: own[1]?.id ?? '' })
    expect(other.session.project?.name).toBe('demo')
    const foreign = await testUser(deps)
    const texts = await Promise.all(
      [foreign.projectId, '0'.repeat(32)].map(async (projectId) => {
        const error = await expectCloudError(rescope(caller, { projectId }), 'not_found')
        return error.message.replace(projectId, 'ID')
      }),
    )
    expect(texts[0]).toBe(texts[1])
  })
  test('a user without projects gets a session without a project', async () => {
    await createUser(system, { name: 'loner', password: 'long enough' })
    expect((await enter('loner', 'long enough')).session).toMatchObject({
      project: null,
      roles: [],
      admin: false,
    })
  })
  test('a project hook runs in the transaction: when the hook fails, the project is not created', async () => {
    const seen: string[] = []
    onProjectCreated(async (ctx, project) => {
      seen.push(project.name)
      expect(ctx.db).not.toBe(deps.root)
      if (project.name === 'doomed') throw new CloudError('conflict', 'no')
    })
    await createProject(system, { name: 'lucky' })
    await expectCloudError(createProject(system, { name: 'doomed' }), 'conflict')
    expect(seen).toEqual(['lucky', 'doomed'])
    expect(await deps.root.project.findFirst({ where: { name: 'doomed' } })).toBeNull()
    await expectCloudError(createProject(system, { name: 'lucky' }), 'already_exists')
  })
  test('only an administrator makes accounts', async () => {
    const caller = await callerOf((await enter('demo', demoPassword)).token)
    await expectCloudError(createUser(caller, { name: 'mine' }), 'forbidden')
    await expectCloudError(createProject(caller, { name: 'mine' }), 'forbidden')
  })
})

describe('A15.1 wrong passwords and user names are refused', () => {
  const bad = [
    'x',
    `${demoPassword} `,
    demoPassword.toUpperCase(),
    `${demoPassword}\0`,
    '\0',
    '\ud800',
    'é'.repeat(513),
    'x'.repeat(1025),
  ]
  test.each(bad)('the password %j', async (password) => {
    await expectCloudError(enter('demo', password), 'unauthenticated')
  })
  test.each(['demo\0', 'Demo', 'dеmo', 'demo ', ' demo', 'demo\ud800', '%', '_emo', 'demo/*', "' OR 1=1 --"])(
    'the user name %j',
    async (name) => {
      await expectCloudError(enter(name, demoPassword), 'unauthenticated')
    },
  )
  test('an empty password never matches, even for a user without a password', async () => {
    await createUser(system, { name: 'no-password' })
    await expectCloudError(enter('no-password', ''), 'unauthenticated')
    await expectCloudError(enter('demo', ''), 'unauthenticated')
    await expectCloudError(hashPassword(''), 'invalid_input')
    await expectCloudError(hashPassword('x'.repeat(1025)), 'invalid_input')
  })
  test('a password of 1,024 bytes works, and bytes after a NUL count', async () => {
    const long = `a\0b${'x'.repeat(1021)}`
    expect(isPossiblePassword(long)).toBe(true)
    const hash = await hashPassword(long)
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/)
    expect([await verifyPassword(hash, long), await verifyPassword(hash, 'a')]).toEqual([true, false])
  })
  test('A22.5: of too many hashes at once, some are refused and the rest are done', async () => {
    const results = await Promise.allSettled(Array.from({ length: 130 }, () => verifyPassword(null, 'x')))
    const refused = results.filter((r) => r.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(130)
    for (const r of refused) expect(r.reason).toMatchObject({ code: 'unavailable' })
    expect(await verifyPassword(null, 'x')).toBe(false)
  })
})

describe('A16: refusals at sign-in', () => {
  const answerOf = async (attempt: Promise<unknown>) => {
    const started = process.cpuUsage()
    const error = await expectCloudError(attempt, 'unauthenticated')
    const { user, system } = process.cpuUsage(started)
    return { ms: (user + system) / 1000, text: JSON.stringify({ ...error, message: error.message }) }
  }
  // The test compares times, so it makes many attempts at the real cost of a password.
  test('A16.1: unknown, wrong, disabled, waiting and other domain give the same words in the same time', {
    timeout: 180_000,
  }, async () => {
    const [known, disabled, waiting] = [await testUser(deps), await testUser(deps), await testUser(deps)]
    await setUserEnabled(system, { userId: disabled.userId, enabled: false })
    await deps.root.user.update({
      where: { id: waiting.userId },
      data: { lockedUntil: new Date(Date.now() + 3600_000) },
    })
    const kinds: Record<string, () => Promise<unknown>> = {
      unknown: () => enter('nobody-here', 'wrong'),
      wrong: () => enter(known.name, 'wrong'),
      disabled: () => enter(disabled.name, disabled.password),
      waiting: () => enter(waiting.name, waiting.password),
      domain: () => enter(known.name, known.password, newSource(), 'no-such-domain'),
      nul: () => enter('nobody\0', 'wrong'),
    }
    const times = new Map<string, number[]>(Object.keys(kinds).map((kind) => [kind, []]))
    const texts = new Set<string>()
    for (let round = 0; round < 15; round++)
      for (const [kind, attempt] of Object.entries(kinds)) {
        await deps.root.signInLimit.deleteMany()
        const { ms, text } = await answerOf(attempt())
        times.get(kind)?.push(ms)
        texts.add(text)
      }
    expect(texts.size).toBe(1)
    // The least processor time of each kind is compared, so other work of the machine does not count.
    const least = Object.fromEntries([...times].map(([kind, all]) => [kind, Math.min(...all)]))
    const all = Object.values(least)
    console.info('ms of processor time of refusals', least)
    // A refusal that skipped the hash would take a fraction of the time.
    expect(Math.min(...all), JSON.stringify(least)).toBeGreaterThan(0.7 * Math.max(...all))
  })

  test('one source cannot take every place: its 31st sign-in at once is refused', async () => {
    const throttle = new SourceThrottle()
    const { promise, resolve } = Promise.withResolvers<void>()
    const running = Array.from({ length: 30 }, () => throttle.attempt('192.0.2.9', () => promise))
    await expectCloudError(
      throttle.attempt('192.0.2.9', async () => 1),
      'unavailable',
      /at once/,
    )
    expect(await throttle.attempt('192.0.2.10', async () => 2)).toBe(2)
    resolve()
    await Promise.all(running)
    expect(await throttle.attempt('192.0.2.9', async () => 3)).toBe(3)
    expect(throttle.size).toBe(0)
  })
  test('nobody of a disabled domain can sign in', async () => {
    const who = await testUser(deps)
    await setDomainEnabled(system, { domainId: 'default', enabled: false })
    const refusal = await enter(who.name, who.password).catch((error: unknown) => error)
    await setDomainEnabled(system, { domainId: 'default', enabled: true })
    expect(refusal).toMatchObject({ code: 'unauthenticated' })
  })
})

test('A24: no password or token is in the log or the events', async () => {
  const lines: string[] = []
  const log = deps.log.child({})
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    log[level] = (...args: unknown[]) => void lines.push(JSON.stringify(args))
  const ctx = { ...anonymousCtx(deps, 'req-test'), log }
  const { token } = await signIn(
    ctx,
    { user: 'demo', password: demoPassword, domain: 'Default' },
    newSource(),
  )
  await signIn(ctx, { user: 'demo', password: 'canary-wrong', domain: 'Default' }, newSource()).catch(
    () => null,
  )
  const events = JSON.stringify(await deps.root.event.findMany(), (_k, v) =>
    typeof v === 'bigint' ? `${v}` : v,
  )
  for (const secret of ['canary-', token]) {
    expect(lines.join()).not.toContain(secret)
    expect(events).not.toContain(secret)
  }
})
