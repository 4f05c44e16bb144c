import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Ctx } from '../../kernel/context.ts'
import { runOperation } from '../../kernel/run.ts'
import { runPending } from '../../kernel/testing.ts'
import { startWorker } from '../../start-worker.ts'
import { startHostWatch } from '../events.ts'
import { deleteInstance, rebootInstance, stopInstance } from '../instances/actions.ts'
import { attachInterface, detachInterface } from '../instances/interfaces.ts'
import { launchInstances } from '../instances/launch.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'
import { graceMs, releaseMs } from './deadlines.ts'

/** Steps that wait for a guest hold no slot. */
let world: World
let tenant: Ctx & { projectId: string; networkId: string }
beforeEach(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
})
afterEach(() => world.close())

const db = () => world.deps.root
const host = () => {
  const found = world.hosts.get('a')
  if (!found) throw new Error('there is no host')
  return found
}
const guest = (id: string) => host().hypervisor.state.instances[id]
const rowOf = (id: string) => db().instance.findUnique({ where: { id } })
const unlimited = async ({ projectId }: { projectId: string }) => {
  for (const resource of ['instances', 'vcpus', 'memoryMib', 'ports'])
    await db().quotaLimit.create({ data: { projectId, resource, limit: -1 } })
}
async function running(ctx: Ctx, patch: object = {}): Promise<string[]> {
  const { instances } = await launchInstances(ctx, aLaunch(world, patch))
  await runPending(world.deps)
  return instances.map(({ id }) => id)
}
const operationOf = (resourceId: string, action: string) =>
  db().operation.findFirstOrThrow({ where: { resourceId, action }, orderBy: { createdAt: 'desc' } })
const runOnce = async (resourceId: string, action: string) =>
  runOperation(world.deps, (await operationOf(resourceId, action)).id, { last: true })
/** Changes the start of the running step to this long ago. */
const age = async (resourceId: string, action: string, ms: number) =>
  db().operationStep.updateMany({
    where: { operationId: (await operationOf(resourceId, action)).id, state: 'running' },
    data: { startedAt: new Date(Date.now() - ms) },
  })

/** Starts the real queue with this many slots. */
const worker = (short: number) =>
  startWorker(world.deps, {
    id: crypto.randomUUID(),
    onLost: () => undefined,
    slots: { short, long: 1 },
    reconcilers: [],
  })

test('fifty guests that ignore their button delay no other instance', async () => {
  await unlimited(tenant)
  const stubborn = await running(tenant, { count: 50 })
  for (const id of stubborn) host().hypervisor.ignorePowerButton(id)
  const other = await testTenant(world)
  const [mine = ''] = await running(other)
  const stopQueue = await worker(3)
  try {
    for (const id of stubborn) await stopInstance(tenant, { id })
    await stopInstance(other, { id: mine })
    const { instances } = await launchInstances(other, aLaunch(world))
    await vi.waitFor(
      async () => {
        expect(await rowOf(mine)).toMatchObject({ vmState: 'stopped', taskState: null })
        expect(await rowOf(instances[0]?.id ?? '')).toMatchObject({ vmState: 'active', taskState: null })
      },
      // If they ran one after the other in three slots, the fifty guests alone would take eight minutes.
      { timeout: 120_000, interval: 50 },
    )
  } finally {
    await stopQueue()
  }
})

test('a stop presses the button until the time is over, and then switches off', async () => {
  const [id = ''] = await running(tenant)
  host().hypervisor.ignorePowerButton(id)
  await stopInstance(tenant, { id })
  expect(await runOnce(id, 'instance.stop')).toBe('waiting')
  expect(await runOnce(id, 'instance.stop')).toBe('waiting')
  expect(host().hypervisor.calls.pressButton).toBe(2)
  expect(guest(id)?.power).toBe('running')
  await age(id, 'instance.stop', graceMs)
  expect(await runOnce(id, 'instance.stop')).toBe('over')
  expect(guest(id)?.power).toBe('off')
  expect(await rowOf(id)).toMatchObject({ vmState: 'stopped', taskState: null })
})

test('a guest that powers off is noticed by its event, not by the timer', async () => {
  const [id = ''] = await running(tenant)
  host().hypervisor.ignorePowerButton(id)
  const subscribed = vi.spyOn(host().hypervisor, 'subscribe')
  const stopWatch = startHostWatch(world.deps)
  await vi.waitFor(() => expect(subscribed).toHaveBeenCalled(), { timeout: 10_000 })
  const stopQueue = await worker(1)
  try {
    await stopInstance(tenant, { id })
    // The timer is set to an hour, so only the event can be quick.
    await vi.waitFor(
      async () =>
        expect(
          await db()
            .$queryRaw`SELECT graphile_worker.reschedule_jobs(ARRAY[id], run_at := now() + interval '1 hour')
            FROM graphile_worker.jobs WHERE run_at > now() AND locked_at IS NULL`,
        ).toHaveLength(1),
      { timeout: 4_000, interval: 20 },
    )
    host().hypervisor.guestPowerOff(id)
    await vi.waitFor(async () => expect(await rowOf(id)).toMatchObject({ vmState: 'stopped' }), {
      timeout: 20_000,
      interval: 50,
    })
  } finally {
    stopWatch()
    await stopQueue()
  }
})

test('a soft reboot starts the guest when it has shut down, and a new process when it does not', async () => {
  const [id = ''] = await running(tenant)
  const first = guest(id)?.pid
  await rebootInstance(tenant, { id, kind: 'soft' })
  await runPending(world.deps)
  const second = guest(id)?.pid
  expect(second).not.toBe(first)
  expect(guest(id)?.power).toBe('running')
  const resets = host().hypervisor.calls.reboot ?? 0
  host().hypervisor.ignorePowerButton(id)
  await rebootInstance(tenant, { id, kind: 'soft' })
  expect(await runOnce(id, 'instance.reboot')).toBe('waiting')
  expect(guest(id)?.pid).toBe(second)
  await age(id, 'instance.reboot', graceMs)
  expect(await runOnce(id, 'instance.reboot')).toBe('over')
  expect(host().hypervisor.calls.reboot).toBe(resets + 1)
  expect(await rowOf(id)).toMatchObject({ vmState: 'active', taskState: null })
})

test('a deletion does not wait for a stop that waits', async () => {
  const [id = ''] = await running(tenant)
  host().hypervisor.ignorePowerButton(id)
  await stopInstance(tenant, { id })
  expect(await runOnce(id, 'instance.stop')).toBe('waiting')
  await deleteInstance(tenant, { id })
  expect(await runOnce(id, 'instance.stop')).toBe('over')
  expect(await runOnce(id, 'instance.delete')).toBe('over')
  expect(await rowOf(id)).toBeNull()
})

test('a guest is asked to release an interface for a while, and then keeps the interface', async () => {
  const [id = ''] = await running(tenant)
  const attached = async () => {
    const { portId } = await attachInterface(tenant, { id, networkId: tenant.networkId })
    await runPending(world.deps)
    await detachInterface(tenant, { id, portId })
    return portId
  }
  const nics = () => guest(id)?.spec.nics.map((nic) => nic.portId)
  host().hypervisor.keepDevices(id, true)
  const late = await attached()
  expect(await runOnce(id, 'instance.detach')).toBe('waiting')
  expect(nics()).toContain(late)
  host().hypervisor.keepDevices(id, false)
  expect(await runOnce(id, 'instance.detach')).toBe('over')
  expect(nics()).not.toContain(late)
  expect(await db().port.findUnique({ where: { id: late } })).toBeNull()

  host().hypervisor.keepDevices(id, true)
  const kept = await attached()
  expect(await runOnce(id, 'instance.detach')).toBe('waiting')
  await age(id, 'instance.detach', releaseMs)
  expect(await runOnce(id, 'instance.detach')).toBe('over')
  const { state, errorMessage } = await operationOf(id, 'instance.detach')
  expect([state, errorMessage]).toEqual(['failed', expect.stringMatching(/does not let go/)])
  expect(nics()).toContain(kept)
  expect(await db().port.findUnique({ where: { id: kept } })).toMatchObject({ deviceId: id })
})

test('a launch waits for its image without a slot', async () => {
  const { storage } = host()
  const made = vi.spyOn(storage, 'ensureBase').mockResolvedValue(null)
  const { instances } = await launchInstances(tenant, aLaunch(world))
  const id = instances[0]?.id ?? ''
  expect(await runOnce(id, 'instance.create')).toBe('waiting')
  expect(await runOnce(id, 'instance.create')).toBe('waiting')
  made.mockRestore()
  expect(await runOnce(id, 'instance.create')).toBe('over')
  expect(await rowOf(id)).toMatchObject({ vmState: 'active' })
})
