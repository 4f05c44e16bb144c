import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resetPassword } from '../directory/users/password.ts'
import { newApp } from '../http-app.ts'
import { type Deps, systemCtx } from '../kernel/context.ts'
import { expectCloudError } from '../kernel/testing.ts'
import { openstackRoutes } from '../openstack/mount.ts'
import { dropOldLimits, signInLimits, subjectOf } from './limits.ts'
import { signIn } from './service.ts'
import { testCloud, testUser } from './testing.ts'
import { anonymousCtx } from './tokens.ts'

/** A16.6 and A22.6: sources that guess passwords must wait, at all api processes at once. */

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
/** Another api process of the same cloud, with its own memory and the same database. */
let other: Deps
let app: FastifyInstance
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  other = { ...deps, root: deps.root.$extends({}) as unknown as Deps['root'] }
  app = newApp(deps, ['127.0.0.1'])
  await app.register(openstackRoutes(deps))
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

let sources = 0
const newSource = () => `10.0.${++sources >> 8}.${sources & 255}`
type Who = Awaited<ReturnType<typeof testUser>>
const enter = (who: Who, password: string, source: string, at = deps) =>
  signIn(anonymousCtx(at, 'req-test'), { user: who.name, password, domain: 'Default' }, source)
async function fail(who: Who, source: string, times = 1, at = deps) {
  for (let i = 0; i < times; i++) await expectCloudError(enter(who, 'a guess', source, at), 'unauthenticated')
}
const waitOf = async (prefix: string) => {
  const rows = await deps.root.signInLimit.findMany({ where: { key: { startsWith: `${prefix}:` } } })
  return Math.max(0, ...rows.map((row) => (row.expire?.getTime() ?? 0) - Date.now()))
}

describe('an address that guesses at one user', () => {
  test('waits after five failures, at every process, and no other address or user waits', async () => {
    const who = await testUser(deps)
    const [bad, good] = [newSource(), newSource()]
    await fail(who, bad, 3)
    await fail(who, bad, 2, other)
    await expectCloudError(enter(who, who.password, bad), 'unauthenticated')
    await expectCloudError(enter(who, who.password, bad, other), 'unauthenticated')
    expect((await enter(who, who.password, good)).token).toMatch(/^slt_/)
    const another = await testUser(deps)
    expect((await enter(another, another.password, bad)).token).toMatch(/^slt_/)
  })
  test('waits no longer because of tries during the wait, waits longer each time after, and at most five minutes', async () => {
    await deps.root.signInLimit.deleteMany()
    const who = await testUser(deps)
    const bad = newSource()
    await fail(who, bad, 5)
    const first = await waitOf('waits')
    expect(first).toBeGreaterThan(5_000)
    expect(first).toBeLessThanOrEqual(15_000)
    await fail(who, bad, 3)
    expect(await waitOf('waits')).toBeLessThanOrEqual(first)
    const over = () =>
      deps.root.signInLimit.updateMany({
        where: { key: { startsWith: 'waits:' } },
        data: { expire: new Date(Date.now() - 1) },
      })
    await over()
    await fail(who, bad)
    expect(await waitOf('waits')).toBeGreaterThan(15_000)
    await deps.root.signInLimit.updateMany({
      where: { key: { startsWith: 'tries:' } },
      data: { points: 1_000_000 },
    })
    await over()
    await fail(who, bad)
    expect(await waitOf('waits')).toBeGreaterThan(200_000)
    expect(await waitOf('waits')).toBeLessThanOrEqual(300_000)
    await over()
    await enter(who, who.password, bad)
    expect(await deps.root.signInLimit.count({ where: { key: { contains: bad } } }), 'forgotten').toBe(1)
  })
  test('waits no more once the user’s password has changed', async () => {
    const who = await testUser(deps)
    const source = newSource()
    await fail(who, source, 5)
    await resetPassword(systemCtx(deps, 'test'), { id: who.userId, password: 'quite another one' })
    expect((await enter(who, 'quite another one', source)).token).toMatch(/^slt_/)
  })
})

test('thirty failures at once count as thirty', async () => {
  const limits = signInLimits(deps)
  const subject = subjectOf(null, { name: 'at once' })
  await Promise.all(Array.from({ length: 30 }, () => limits.failed(subject, '192.0.2.1', true)))
  const row = await deps.root.signInLimit.findUniqueOrThrow({ where: { key: `tries:${subject} 192.0.2.1` } })
  expect(row.points).toBe(30)
})

describe('many addresses that guess at one user', () => {
  test('make new addresses wait, but not addresses that the user has signed in from, and not for ever', async () => {
    const who = await testUser(deps)
    await enter(who, who.password, '198.51.100.7')
    const herd = Array.from({ length: 5 }, newSource)
    // Everything that one address does counts as five failures at most.
    for (const source of herd.slice(0, 4)) await fail(who, source, 6)
    await enter(who, who.password, newSource())
    await fail(who, herd[4] ?? '', 5)
    await expectCloudError(enter(who, who.password, newSource(), other), 'unauthenticated')
    expect((await enter(who, who.password, '198.51.100.7')).token).toMatch(/^slt_/)
    const { lockedUntil } = await deps.root.user.findUniqueOrThrow({ where: { id: who.userId } })
    const waits = (lockedUntil?.getTime() ?? 0) - Date.now()
    expect(waits).toBeLessThanOrEqual(15_000)
    expect(waits).toBeGreaterThan(5_000)
    await deps.root.user.update({
      where: { id: who.userId },
      data: { lockedUntil: new Date(Date.now() - 1) },
    })
    expect((await enter(who, who.password, newSource())).token).toMatch(/^slt_/)
  })
})

describe('an address that tries many users', () => {
  const attempt = (forwarded: string, name: string, password = 'a guess') =>
    app.inject({
      method: 'POST',
      url: '/identity/v3/auth/tokens',
      headers: { 'x-forwarded-for': forwarded },
      payload: {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name, password, domain: { name: 'Default' } } },
          },
        },
      },
    })
  test('waits after sixty failures in a minute; other addresses behind the same proxy do not', async () => {
    const who = await testUser(deps)
    for (let i = 0; i < 59; i++) await signInLimits(other).sourceFailed('203.0.113.9')
    expect((await attempt('203.0.113.9', 'nobody-60')).statusCode).toBe(401)
    const refused = await attempt('203.0.113.9', who.name, who.password)
    expect([refused.statusCode, refused.json().error.message]).toEqual([
      503,
      'Too many failed sign-ins from your address. Wait a minute and try again.',
    ])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(10)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect((await attempt('203.0.113.10', who.name, who.password)).statusCode).toBe(201)
    expect((await attempt('6.6.6.6, 203.0.113.9', who.name, who.password)).statusCode).toBe(503)
  })
  test('counts as a whole /64 of IPv6, and the next /64 is another', async () => {
    const limits = signInLimits(deps)
    for (let i = 0; i < 60; i++) await limits.sourceFailed(`2001:db8:0:1::${i}`)
    await expectCloudError(limits.demandFree('2001:db8:0:1:aa::1'), 'unavailable', /Wait a minute/)
    await limits.demandFree('2001:db8:0:2::1')
  })
})

test('A16.1: an unknown name leaves the same rows as a known name', async () => {
  const who = await testUser(deps)
  const shapes: string[][] = []
  for (const name of [who.name, 'nobody-has-this']) {
    await deps.root.signInLimit.deleteMany()
    await fail({ ...who, name }, newSource(), 5)
    const rows = await deps.root.signInLimit.findMany({ orderBy: { key: 'asc' } })
    shapes.push(rows.map((row) => `${row.key.split(':')[0]} ${row.points}`))
  }
  expect(shapes[1]).toEqual(shapes[0])
  expect(shapes[0]).toEqual(['everywhere 5', 'source 5', 'tries 5', 'waits 2'])
})

test('A22.6: expired rows are deleted, and the others stay', async () => {
  await deps.root.signInLimit.deleteMany()
  const rows = ['old', 'new'].map((key, i) => ({
    key,
    points: 1,
    expire: new Date(Date.now() + (i === 0 ? -1 : 60_000)),
  }))
  await deps.root.signInLimit.createMany({ data: rows })
  await dropOldLimits(deps)
  expect((await deps.root.signInLimit.findMany()).map((row) => row.key)).toEqual(['new'])
})
