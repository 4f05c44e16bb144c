import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError, failEveryStep, runPending, runToEnd, testCtx } from '../kernel/testing.ts'
import { volumeCreateInput } from '../volumes/contract.ts'
import { createVolume, deleteVolume, extendVolume, getVolume, planVolume } from '../volumes/service.ts'
import { freeVolumesInput, instanceListInput } from './contract.ts'
import { deleteInstance, startInstance, stopInstance } from './instances/actions.ts'
import { launchInstances } from './instances/launch.ts'
import { listInstances } from './instances/service.ts'
import {
  attachVolume,
  createVolumeFor,
  detachVolume,
  freeVolumesFor,
  listAttachedVolumes,
} from './instances/volumes.ts'
import { accounts, aLaunch, testTenant, testWorld, type World } from './testing.ts'
import { patience } from './workflows/on-host.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  await runPending(world.deps)
})
afterAll(() => world.close())

const db = () => world.deps.root
const host = () => {
  const found = world.hosts.get('a')
  if (!found) throw new Error('the world has no host a')
  return found
}
async function running(): Promise<string> {
  const { instances } = await launchInstances(tenant, aLaunch(world))
  await runPending(world.deps)
  return instances[0]?.id ?? ''
}
async function aVolume(sizeGib = 2): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ name: 'data', sizeGib }))
  await runPending(world.deps)
  expect(await stateOf(id)).toBe('available')
  return id
}
const stateOf = async (id: string) => (await db().volume.findUnique({ where: { id } }))?.state
/** The volumes that the guest has by its host. */
const pluggedInto = (id: string) => host().hypervisor.state.instances[id]?.spec.volumes.map((one) => one.id)
const guestsWith = (id: string) => [...(host().volumes.volumes.get(id)?.guests ?? [])]
const lastOperation = async (resourceId: string, action: string) => ({
  operationId: (
    await db().operation.findFirstOrThrow({ where: { resourceId, action }, orderBy: { createdAt: 'desc' } })
  ).id,
  resourceId,
})

describe('a volume of an instance', () => {
  test('is given to the running guest at once, survives stop and start, and is available after it was taken out', async () => {
    const [instance, volume] = [await running(), await aVolume()]
    const attached = await attachVolume(tenant, { id: instance, volumeId: volume })
    expect(attached).toMatchObject({ volumeId: volume, device: '/dev/vdb', state: 'attaching' })
    expect(await stateOf(volume)).toBe('attaching')
    await runPending(world.deps)
    expect(pluggedInto(instance)).toEqual([volume])
    const inHistory = { relatedId: volume, action: 'instance.attach_volume' }
    expect(await db().operation.count({ where: inHistory })).toBe(1)
    expect(await getVolume(tenant, { id: volume })).toMatchObject({
      state: 'in-use',
      attachments: [{ instanceId: instance, instanceName: 'web', state: 'attached', device: '/dev/vdb' }],
    })
    for (const act of [stopInstance, startInstance]) {
      await act(tenant, { id: instance })
      await runPending(world.deps)
      expect(pluggedInto(instance)).toEqual([volume])
    }
    await detachVolume(tenant, { id: instance, volumeId: volume })
    expect(await stateOf(volume)).toBe('detaching')
    await runPending(world.deps)
    expect(pluggedInto(instance)).toEqual([])
    expect(guestsWith(volume)).toEqual([])
    expect(await getVolume(tenant, { id: volume })).toMatchObject({ state: 'available', attachments: [] })
  })

  test('is given to a stopped guest, which has it at its next start', async () => {
    const [instance, volume] = [await running(), await aVolume()]
    await stopInstance(tenant, { id: instance })
    await runPending(world.deps)
    await attachVolume(tenant, { id: instance, volumeId: volume, device: '/dev/sdd' })
    await runPending(world.deps)
    expect(await stateOf(volume)).toBe('in-use')
    expect(await listAttachedVolumes(tenant, { id: instance })).toMatchObject([{ device: '/dev/vdd' }])
    expect(pluggedInto(instance)).toEqual([volume])
    expect(host().hypervisor.state.instances[instance]?.power).toBe('off')
  })

  test('has one owner, however many ask at the same time', async () => {
    const instances = [await running(), await running()]
    const volume = await aVolume()
    const asked = Array.from({ length: 20 }, (_, n) =>
      attachVolume(tenant, { id: instances[n % 2] ?? '', volumeId: volume }),
    )
    const outcomes = await Promise.allSettled(asked)
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'conflict' })
    await runPending(world.deps)
    expect(guestsWith(volume)).toHaveLength(1)
  })

  test('stays with a guest that does not let go, and the reason is said', async () => {
    const [instance, volume] = [await running(), await aVolume()]
    await attachVolume(tenant, { id: instance, volumeId: volume })
    await runPending(world.deps)
    host().hypervisor.keepDevices(instance, true)
    await detachVolume(tenant, { id: instance, volumeId: volume })
    const { operationId } = await lastOperation(instance, 'instance.detach_volume')
    await expect
      .poll(
        async () => {
          await runPending(world.deps)
          return (await db().operation.findUniqueOrThrow({ where: { id: operationId } })).state
        },
        { timeout: 28_000, interval: 500 },
      )
      .toBe('failed')
    expect(await stateOf(volume)).toBe('in-use')
    expect(pluggedInto(instance)).toEqual([volume])
    host().hypervisor.keepDevices(instance, false)
    await detachVolume(tenant, { id: instance, volumeId: volume })
    await runPending(world.deps)
    expect(await stateOf(volume)).toBe('available')
  })

  test('is not given to somebody else while its host is silent', async () => {
    const [instance, other, volume] = [await running(), await running(), await aVolume()]
    await attachVolume(tenant, { id: instance, volumeId: volume })
    await runPending(world.deps)
    world.faults.set('a', 'refuses')
    await detachVolume(tenant, { id: instance, volumeId: volume })
    const { operationId } = await lastOperation(instance, 'instance.detach_volume')
    await expect
      .poll(
        async () => {
          await runPending(world.deps)
          return (await db().operation.findUniqueOrThrow({ where: { id: operationId } })).state
        },
        { timeout: 28_000, interval: 500 },
      )
      .toBe('failed')
    world.faults.delete('a')
    expect(await stateOf(volume)).toBe('in-use')
    await expectCloudError(attachVolume(tenant, { id: other, volumeId: volume }), 'conflict')
    await runPending(world.deps)
    expect(guestsWith(volume)).toEqual([instance])
  })

  test('is available again after the instance was deleted, or deleted with it', async () => {
    const instance = await running()
    const [kept, gone] = [await aVolume(), await aVolume()]
    await attachVolume(tenant, { id: instance, volumeId: kept })
    await runPending(world.deps)
    await attachVolume(tenant, { id: instance, volumeId: gone, deleteOnTermination: true })
    await runPending(world.deps)
    await deleteInstance(tenant, { id: instance, releasePublicIp: true })
    await runPending(world.deps)
    expect(await stateOf(kept)).toBe('available')
    expect(guestsWith(kept)).toEqual([])
    expect(await stateOf(gone)).toBeUndefined()
    expect(host().volumes.volumes.has(gone)).toBe(false)
  })

  test('of another project does not exist for the caller', async () => {
    const stranger = await testCtx(world.deps)
    const [instance, volume] = [
      await running(),
      await createVolume(stranger, volumeCreateInput.parse({ sizeGib: 1 })),
    ]
    await runPending(world.deps)
    await expectCloudError(attachVolume(tenant, { id: instance, volumeId: volume.id }), 'not_found')
    await expectCloudError(detachVolume(tenant, { id: instance, volumeId: volume.id }), 'not_found')
  })

  test('is not deleted while an instance has it, and grows in use', async () => {
    const [instance, volume] = [await running(), await aVolume()]
    await attachVolume(tenant, { id: instance, volumeId: volume })
    await expectCloudError(extendVolume(tenant, { id: volume, sizeGib: 9 }), 'conflict')
    for (const _ of ['attaching', 'in-use']) {
      await expectCloudError(deleteVolume(tenant, { id: volume }), 'conflict')
      await runPending(world.deps)
    }
    await extendVolume(tenant, { id: volume, sizeGib: 9 })
    await runPending(world.deps)
    expect(await getVolume(tenant, { id: volume })).toMatchObject({ state: 'in-use', sizeGib: 9 })
    expect(host().volumes.volumes.get(volume)?.sizeBytes).toBe(9 * 1024 ** 3)
    await expectCloudError(extendVolume(tenant, { id: volume, sizeGib: 9 }), 'invalid_input')
  })
})

describe('a volume whose host has not confirmed', () => {
  const patient = { ...patience }
  afterEach(() => {
    world.faults.delete('a')
    Object.assign(patience, patient)
  })
  /** Runs the latest operation of that action until it is over. */
  const ended = async (resourceId: string, action: string) =>
    runToEnd(world.deps, (await lastOperation(resourceId, action)).operationId, { last: true })

  test('that the guest does not have it stays with the instance when its attachment fails', async () => {
    const [instance, other, volume] = [await running(), await running(), await aVolume()]
    patience.actMs = 0
    await attachVolume(tenant, { id: instance, volumeId: volume })
    world.faults.set('a', 'refuses')
    await ended(instance, 'instance.attach_volume')
    const { operationId } = await lastOperation(instance, 'instance.attach_volume')
    expect(await db().operation.findUnique({ where: { id: operationId } })).toMatchObject({ state: 'failed' })
    const { hostId } = await db().instance.findUniqueOrThrow({ where: { id: instance } })
    expect(
      await db().volume.findUnique({ where: { id: volume }, include: { attachments: true } }),
    ).toMatchObject({ state: 'in-use', attachments: [{ instanceId: instance, state: 'attached', hostId }] })
    world.faults.delete('a')
    await expectCloudError(attachVolume(tenant, { id: other, volumeId: volume }), 'conflict')
    await detachVolume(tenant, { id: instance, volumeId: volume })
    await runPending(world.deps)
    expect([await stateOf(volume), guestsWith(volume)]).toEqual(['available', []])
  })

  test('the end of its guest is not available when the instance is deleted during a detachment', async () => {
    const [instance, volume] = [await running(), await aVolume()]
    await attachVolume(tenant, { id: instance, volumeId: volume })
    await runPending(world.deps)
    await detachVolume(tenant, { id: instance, volumeId: volume })
    await deleteInstance(tenant, { id: instance, releasePublicIp: true })
    await ended(instance, 'instance.detach_volume')
    expect([await stateOf(volume), guestsWith(volume)]).toEqual(['detaching', [instance]])
    await runPending(world.deps)
    expect([await stateOf(volume), guestsWith(volume)]).toEqual(['available', []])
  })
})

test('a volume that grows while its instance is deleted is available with its new size', async () => {
  const before = await accounts(world, tenant.projectId)
  const [instance, volume] = [await running(), await aVolume()]
  await attachVolume(tenant, { id: instance, volumeId: volume })
  await runPending(world.deps)
  await extendVolume(tenant, { id: volume, sizeGib: 9 })
  await deleteInstance(tenant, { id: instance, releasePublicIp: true })
  const { operationId } = await lastOperation(instance, 'instance.delete')
  await runToEnd(world.deps, operationId, { last: true })
  expect(await getVolume(tenant, { id: volume })).toMatchObject({ state: 'extending', attachments: [] })
  await runPending(world.deps)
  expect(await getVolume(tenant, { id: volume })).toMatchObject({ state: 'available', sizeGib: 9 })
  expect(host().volumes.volumes.get(volume)?.sizeBytes).toBe(9 * 1024 ** 3)
  const after = await accounts(world, tenant.projectId)
  const grown = Object.keys({ ...before, ...after }).flatMap((name) => {
    const more = (after[name] ?? 0) - (before[name] ?? 0)
    // The counters of the volume's type have the same amounts as those of the project.
    return more === 0 ? [] : [[name.split(':')[0], more]]
  })
  expect(Object.fromEntries(grown)).toEqual({ volumes: 1, volumeGib: 9, hostDiskGib: 9 })
})

test('a volume leaves an instance that is in error, which gets none', async () => {
  const [instance, volume, another] = [await running(), await aVolume(), await aVolume()]
  await attachVolume(tenant, { id: instance, volumeId: volume })
  await runPending(world.deps)
  await db().instance.update({ where: { id: instance }, data: { vmState: 'error' } })
  await expectCloudError(
    attachVolume(tenant, { id: instance, volumeId: another }),
    'conflict',
    /can get or lose a volume; this one is in an error state/,
  )
  await detachVolume(tenant, { id: instance, volumeId: volume })
  await runPending(world.deps)
  expect([await stateOf(volume), guestsWith(volume)]).toEqual(['available', []])
})

describe('a failure or crash at any step', () => {
  const pair = async () => ({ instance: await running(), volume: await aVolume() })
  const volumes = new Map<string, string>()
  const end = async (instance: string, at: string) => {
    const volume = volumes.get(instance) ?? ''
    expect(guestsWith(volume).length, at).toBeLessThanOrEqual(1)
    await deleteInstance(tenant, { id: instance, releasePublicIp: true })
    await runPending(world.deps)
    expect(await stateOf(volume), at).toBe('available')
    expect(guestsWith(volume), at).toEqual([])
    await deleteVolume(tenant, { id: volume })
    await runPending(world.deps)
    expect(host().volumes.volumes.has(volume), at).toBe(false)
  }

  test('of attaching leaves the volume available, or with the guest', async () => {
    await failEveryStep(world.deps, {
      action: 'instance.attach_volume',
      async start() {
        const { instance, volume } = await pair()
        volumes.set(instance, volume)
        await attachVolume(tenant, { id: instance, volumeId: volume })
        return lastOperation(instance, 'instance.attach_volume')
      },
      async afterFailure(instance, at) {
        expect(await stateOf(volumes.get(instance) ?? ''), at).toBe('available')
        expect(pluggedInto(instance), at).toEqual([])
        const where = { resourceId: volumes.get(instance) ?? '', action: '002' }
        expect(await db().volumeMessage.findMany({ where }), at).toMatchObject([
          { resource: 'VOLUME', reason: 'Injected failure.', projectId: tenant.projectId },
        ])
        await end(instance, at)
      },
      async afterSuccess(instance, at) {
        expect(await stateOf(volumes.get(instance) ?? ''), at).toBe('in-use')
        expect(pluggedInto(instance), at).toEqual([volumes.get(instance)])
        await end(instance, at)
      },
    })
  }, 120_000)

  test('of detaching leaves the volume with the guest, or available', async () => {
    await failEveryStep(world.deps, {
      action: 'instance.detach_volume',
      async start() {
        const { instance, volume } = await pair()
        volumes.set(instance, volume)
        await attachVolume(tenant, { id: instance, volumeId: volume })
        await runPending(world.deps)
        await detachVolume(tenant, { id: instance, volumeId: volume })
        return lastOperation(instance, 'instance.detach_volume')
      },
      async afterFailure(instance, at) {
        const volume = volumes.get(instance) ?? ''
        const isReleased = at.endsWith('after release-volume')
        expect(await stateOf(volume), at).toBe(isReleased ? 'available' : 'in-use')
        expect(pluggedInto(instance), at).toEqual(isReleased ? [] : [volume])
        await end(instance, at)
      },
      async afterSuccess(instance, at) {
        expect(await stateOf(volumes.get(instance) ?? ''), at).toBe('available')
        expect(pluggedInto(instance), at).toEqual([])
        await end(instance, at)
      },
    })
  }, 120_000)
})

test('nothing of deleted volumes is left in the quota and in the room of hosts', async () => {
  const before = await accounts(world, tenant.projectId)
  const volume = await aVolume(5)
  await extendVolume(tenant, { id: volume, sizeGib: 8 })
  await runPending(world.deps)
  const during = await accounts(world, tenant.projectId)
  expect((during.volumeGib ?? 0) - (before.volumeGib ?? 0)).toBe(8)
  expect((during.hostDiskGib ?? 0) - (before.hostDiskGib ?? 0)).toBe(8)
  expect(host().volumes.volumes.get(volume)?.sizeBytes).toBe(8 * 1024 ** 3)
  await deleteVolume(tenant, { id: volume })
  await runPending(world.deps)
  expect(await accounts(world, tenant.projectId)).toEqual(before)
})

describe('the choices of the portal', () => {
  const takers = async (volumeId: string, ctx = tenant) =>
    (await listInstances(ctx, instanceListInput.parse({ forVolume: volumeId }))).items.map(({ id }) => id)
  const free = async (id: string, ctx = tenant) =>
    (await freeVolumesFor(ctx, freeVolumesInput.parse({ id, limit: 100 }))).items.map((one) => one.id)

  test('offer an instance the free volumes that its machine reaches, and a volume the instances there', async () => {
    const [instance, volume] = [await running(), await aVolume()]
    expect(await free(instance)).toContain(volume)
    expect(await takers(volume)).toContain(instance)
    const poolId = crypto.randomUUID()
    const { poolId: before } = await db().volume.findUniqueOrThrow({ where: { id: volume } })
    const elsewhere = {
      id: crypto.randomUUID(),
      name: `far-${poolId}`,
      endpoint: `unix:/far-${poolId}`,
      vcpus: 1,
      memoryMib: 1,
      diskGib: 1,
    }
    await db().host.create({ data: elsewhere })
    await db().volumePool.create({
      data: { id: poolId, name: elsewhere.name, driver: 'files', hostId: elsewhere.id },
    })
    await db().volume.update({ where: { id: volume }, data: { poolId } })
    expect(await free(instance)).not.toContain(volume)
    expect(await takers(volume)).toEqual([])
    await db().volume.update({ where: { id: volume }, data: { poolId: before } })
    await db().volumePool.delete({ where: { id: poolId } })
    await db().host.delete({ where: { id: elsewhere.id } })
    await attachVolume(tenant, { id: instance, volumeId: volume })
    expect(await free(instance)).not.toContain(volume)
    await runPending(world.deps)
  })

  test('tell a stranger nothing', async () => {
    const stranger = await testTenant(world)
    const [instance, volume] = [await running(), await aVolume()]
    await expectCloudError(takers(volume, stranger), 'not_found')
    await expectCloudError(free(instance, stranger), 'not_found')
    const wish = { id: instance, name: 'data', sizeGib: 1 }
    await expectCloudError(createVolumeFor(stranger, wish), 'not_found')
    await expectCloudError(planVolume(stranger, { id: volume, sizeGib: 5 }), 'not_found')
  })

  test('make a new volume on the machine of the instance', async () => {
    const instance = await running()
    const { id } = await createVolumeFor(tenant, { id: instance, name: 'data', sizeGib: 1, type: 'Standard' })
    await expectCloudError(
      createVolumeFor(tenant, { id: instance, name: 'data', sizeGib: 1, type: 'gold' }),
      'invalid_input',
      /no volume type gold/,
    )
    await runPending(world.deps)
    expect(await free(instance)).toContain(id)
    const { diskGib, diskGibUsed } = await db().host.findFirstOrThrow()
    await db().host.updateMany({ data: { diskGib: diskGibUsed + 3 } })
    const wish = { id: instance, name: 'large', sizeGib: 4 }
    await expectCloudError(createVolumeFor(tenant, wish), 'no_capacity', /has 3 GiB free/)
    await db().host.updateMany({ data: { diskGib } })
  })

  test('say before the request whether there is room', async () => {
    expect(await planVolume(tenant, { sizeGib: 1 })).toEqual({ problem: null })
    expect((await planVolume(tenant, { sizeGib: 60_000 })).problem).toMatch(
      /^A volume of 60000 GiB fits into no pool: at most \d+ GiB are free in one\.$/,
    )
    const id = await aVolume()
    expect(await planVolume(tenant, { id, sizeGib: 3 })).toEqual({ problem: null })
    expect((await planVolume(tenant, { id, sizeGib: 60_000 })).problem).toMatch(/has no 59998 GiB more/)
  })
})
