import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { rememberedHosts } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError } from '../../kernel/testing.ts'
import { addHost, aLaunch, testTenant, testWorld, type World } from '../testing.ts'
import { launchInstances, planInstance } from './launch.ts'

let world: World
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  await world.deps.root.host.updateMany({ data: { vcpus: 1_000, memoryMib: 1_000_000, diskGib: 10_000 } })
})
afterAll(() => world.close())

/** Returns the statements that PostgreSQL receives during `work`, in order. */
async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query')
  try {
    await work()
    return spy.mock.calls.map(([query]) =>
      typeof query === 'string' ? query : ((query as unknown as { text: string }).text ?? ''),
    )
  } finally {
    spy.mockRestore()
  }
}
/** The same caller in a process that remembers the hosts for this long. */
const remembering = <C extends Ctx>(ctx: C, hostsMaxAgeMs: number): C => ({
  ...ctx,
  deps: { ...ctx.deps, hostsMaxAgeMs },
})
const longEnough = 3_600_000

describe('a launch', () => {
  test('costs one transaction of at most 15 statements, the hot rows last, as many for ten as for one', async () => {
    const me = remembering(await testTenant(world), longEnough)
    const input = (count: number) => aLaunch(world, { count, networkIds: [me.networkId] })
    await launchInstances(me, input(1))
    const one = await statementsOf(() => launchInstances(me, input(1)))
    const ten = await statementsOf(() => launchInstances(me, input(10)))
    expect([one[0], one.at(-1)]).toEqual([
      expect.stringMatching(/^BEGIN/i),
      expect.stringMatching(/^COMMIT/i),
    ])
    expect(one.length).toBeLessThanOrEqual(10)
    expect(ten.length).toBe(one.length)
    expect(one.at(-3)).toContain('"QuotaUsage"')
    expect(one.at(-2)).toContain('UPDATE "Host"')
  })

  test('costs one statement as a plan', async () => {
    const me = remembering(await testTenant(world), longEnough)
    await rememberedHosts(me)
    expect(await statementsOf(() => planInstance(me, aLaunch(world)))).toHaveLength(1)
  })

  test('answers with the instances as they are read afterwards', async () => {
    const me = await testTenant(world)
    const input = aLaunch(world, { clientToken: 'same', count: 2 })
    const told = async () =>
      (await launchInstances(me, input)).instances.map((one) => ({ ...one, activity: one.activity?.title }))
    const first = await told()
    expect(first[0]?.addresses).toHaveLength(1)
    expect(await told()).toEqual(first)
  })
})

describe('the memory of the hosts', () => {
  test('only chooses hosts: a host that is full by now is noticed, and nothing is left of the attempt', async () => {
    const me = remembering(await testTenant(world), longEnough)
    const seen = await rememberedHosts(me)
    const [full] = seen
    await world.deps.root.host.updateMany({
      where: { id: { not: full?.id } },
      data: { state: 'down' },
    })
    const other = await addHost(world.deps, 'c', { vcpus: 8, memoryMib: 8_192, diskGib: 80 })
    await world.deps.root.host.update({ where: { id: full?.id }, data: { vcpus: 0 } })
    try {
      // The process remembers hosts a and b, and does not know host c.
      const { instances } = await launchInstances(me, aLaunch(world))
      const rows = await world.deps.root.instance.findMany({ where: { projectId: me.projectId } })
      expect(rows.map((row) => [row.id, row.hostId])).toEqual([[instances[0]?.id, other]])
      expect(await world.deps.root.port.count({ where: { deviceId: instances[0]?.id } })).toBe(1)
    } finally {
      await world.deps.root.host.updateMany({ data: { state: 'up' } })
      await world.deps.root.host.update({ where: { id: full?.id }, data: { vcpus: 1_000 } })
    }
  })

  test('refuses no launch: before a launch is refused for want of room, the hosts are read again', async () => {
    const me = remembering(await testTenant(world), longEnough)
    await world.deps.root.host.updateMany({ data: { enabled: false, disabledReason: 'test' } })
    await rememberedHosts(me, performance.now())
    expect(await planInstance(me, aLaunch(world))).toMatchObject({
      ok: false,
      hosts: { fit: 0, refused: [{ check: 'Accepts instances', hosts: expect.any(Number) }] },
    })
    await expectCloudError(launchInstances(me, aLaunch(world)), 'no_capacity')
    await world.deps.root.host.updateMany({ data: { enabled: true } })
    expect((await launchInstances(me, aLaunch(world))).instances).toHaveLength(1)
  })

  test('says once that no host answers, whatever the caller chooses, and suggests no smaller flavor', async () => {
    const me = await testTenant(world)
    await world.deps.root.host.updateMany({ data: { state: 'down' } })
    try {
      await rememberedHosts(me, performance.now())
      const closed = expect.stringMatching(/^None of the \d+ hosts answers now/)
      const plan = await planInstance(me, { ...aLaunch(world), flavorId: undefined, imageId: undefined })
      expect(plan).toMatchObject({ ok: false, closed, suggestion: null })
      const whole = await planInstance(me, aLaunch(world))
      expect(whole.problems).toEqual([{ field: null, message: whole.closed }])
      await expectCloudError(launchInstances(me, aLaunch(world)), 'no_capacity', /answers now/)
      await world.deps.root.host.updateMany({ data: { state: 'fenced' } })
      await rememberedHosts(me, performance.now())
      const off = await planInstance(me, aLaunch(world))
      expect(off.closed).toMatch(/^All \d+ hosts are declared to be off/)
    } finally {
      await world.deps.root.host.updateMany({ data: { state: 'up' } })
      await rememberedHosts(me, performance.now())
    }
    expect(await planInstance(me, aLaunch(world))).toMatchObject({ ok: true, closed: null })
  })

  test('includes the room that this process has claimed, and is shared by all simultaneous requests', async () => {
    const me = remembering(await testTenant(world), longEnough)
    const used = (hosts: Awaited<ReturnType<typeof rememberedHosts>>) =>
      hosts.reduce((sum, host) => sum + host.vcpus.used, 0)
    const before = used(await rememberedHosts(me, performance.now()))
    await launchInstances(me, aLaunch(world, { count: 2 }))
    expect(used(await rememberedHosts(me))).toBe(before + 2)
    const now = performance.now()
    const looks = await statementsOf(() =>
      Promise.all(Array.from({ length: 8 }, () => rememberedHosts(me, now))),
    )
    expect(looks).toHaveLength(1)
    expect(used(await rememberedHosts(me))).toBe(before + 2)
  })
})
