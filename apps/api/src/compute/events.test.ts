import { setTimeout as sleep } from 'node:timers/promises'
import { Prisma } from '@stratolith/db'
import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemCtx } from '../kernel/context.ts'
import { queriesOf, runPending } from '../kernel/testing.ts'
import { startHostWatch } from './events.ts'
import { launchInstances } from './instances/launch.ts'
import { getInstance } from './instances/service.ts'
import { observeInstance } from './observe.ts'
import { aLaunch, type FakeHost, testTenant, testWorld, type World } from './testing.ts'

type HypervisorListener = Parameters<FakeHost['hypervisor']['subscribe']>[0]

describe('events that hosts send by themselves', () => {
  let world: World
  beforeAll(async () => {
    world = await testWorld(['a'])
  })
  afterAll(() => world.close())

  test('a guest whose process died is in ERROR with the reason, even if its host is silent at first', async () => {
    const me = await testTenant(world)
    const { instances } = await launchInstances(me, aLaunch(world))
    const id = instances[0]?.id ?? ''
    await runPending(world.deps)
    const hypervisor = world.hosts.get('a')?.hypervisor
    if (!hypervisor) throw new Error('there is no host')
    const subscribed = vi.spyOn(hypervisor, 'subscribe')
    const stop = startHostWatch(world.deps)
    await vi.waitFor(() => expect(subscribed).toHaveBeenCalled(), { timeout: 10_000 })
    // The first look at the guest fails, as happens while an agent or the database restarts.
    hypervisor.failNext('get', new DriverError('unavailable', 'starting'))
    hypervisor.crash(id)
    await vi.waitFor(
      async () =>
        expect(await getInstance(me, { id })).toMatchObject({
          status: 'ERROR',
          fault: { message: expect.stringMatching(/process has died/) },
        }),
      { timeout: 20_000, interval: 100 },
    )
    stop()
  })

  test('an event during an action costs one statement, and says that the guest must be looked at again', async () => {
    const me = await testTenant(world)
    const { instances } = await launchInstances(me, aLaunch(world))
    const id = instances[0]?.id ?? ''
    const { root } = world.deps
    const ctx = systemCtx(world.deps, 'test')
    const { hostId } = await root.instance.findUniqueOrThrow({ where: { id } })
    let state = ''
    const look = async () => {
      state = await observeInstance(ctx, hostId ?? '', id)
    }
    expect([await queriesOf(look), state]).toEqual([1, 'changing'])
    await runPending(world.deps)
    await look()
    expect(state).toBe('settled')
  })

  test('a host that sends events without end delays no other host', async () => {
    const host = world.hosts.get('a') as FakeHost
    let tell: HypervisorListener = () => undefined
    const subscribe = vi.spyOn(host.hypervisor, 'subscribe').mockImplementation((listener) => {
      tell = listener
      return () => undefined
    })
    let [now, most, all] = [0, 0, 0]
    const get = vi.spyOn(host.hypervisor, 'get').mockImplementation(async () => {
      most = Math.max(most, ++now)
      all++
      await sleep(5)
      now--
      return null
    })
    const me = await testTenant(world)
    const { instances } = await launchInstances(me, aLaunch(world))
    const id = instances[0]?.id ?? ''
    const hostId = (await world.deps.root.host.findFirstOrThrow()).id
    const copies = Prisma.sql`(jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid(), 'vmState', 'active',
      'taskState', NULL, 'hostId', ${hostId}::text)))`
    await world.deps.root
      .$executeRaw`INSERT INTO "Instance" SELECT ${copies}.* FROM "Instance" i, generate_series(1, 60)
      WHERE i."id" = ${id}::uuid`
    const stop = startHostWatch(world.deps)
    await vi.waitFor(() => expect(subscribe).toHaveBeenCalled(), { timeout: 10_000 })
    const guests = await world.deps.root.instance.findMany({ where: { vmState: 'active' } })
    for (let round = 0; round < 100; round++)
      for (const guest of guests) tell({ instanceId: guest.id, power: 'off', reason: null, at: '' })
    tell({ instanceId: 'no id of ours', power: 'off', reason: null, at: '' })
    await vi.waitFor(() => expect(all).toBeGreaterThanOrEqual(guests.length), { timeout: 20_000 })
    stop()
    expect(most).toBeLessThanOrEqual(8)
    expect(all).toBeLessThan(3 * guests.length)
    get.mockRestore()
    subscribe.mockRestore()
  })
})
