import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Ctx } from '../kernel/context.ts'
import { runOperation } from '../kernel/run.ts'
import {
  ageOperation,
  expectCloudError,
  failEveryStep,
  runPending,
  runToEnd,
  testCtx,
} from '../kernel/testing.ts'
import { volumeCreateInput } from '../volumes/contract.ts'
import {
  createSnapshot,
  createVolume,
  deleteVolume,
  extendVolume,
  getVolume,
  volumesLeaving,
} from '../volumes/service.ts'
import { snapshotCreateInput } from '../volumes/snapshots/contract.ts'
import { deleteInstance, rebootInstance, startInstance, stopInstance } from './instances/actions.ts'
import { launchInstances, planInstance } from './instances/launch.ts'
import { detachVolume, keepVolume, listAttachedVolumes } from './instances/volumes.ts'
import { accounts, aLaunch, testTenant, testWorld, type World } from './testing.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  await runPending(world.deps)
})
afterAll(() => world.close())

const db = () => world.deps.root
const guestOf = (id: string) =>
  [...world.hosts.values()].flatMap((host) => host.hypervisor.state.instances[id] ?? [])[0]
const dataOf = (id: string) =>
  [...world.hosts.values()].flatMap((host) => host.volumes.volumes.get(id) ?? [])[0]
const stateOf = async (id: string) => (await db().volume.findUnique({ where: { id } }))?.state
const rowOf = (id: string) => db().instance.findUniqueOrThrow({ where: { id } })

const ofImage = (more: object = {}) => ({
  ...{ boot: true, from: { kind: 'image', id: world.imageId }, sizeGib: 3, name: '{name}-root' },
  ...more,
})
const ofVolume = (id: string, more: object = {}) => ({ from: { kind: 'volume', id }, ...more })
const wishOf = (volumes: object[], more: object = {}) =>
  aLaunch(world, { imageId: undefined, volumes, ...more })
/** Launches an instance with these volumes; returns its id. */
async function launched(volumes: object[], more: object = {}): Promise<string> {
  const { instances } = await launchInstances(tenant, wishOf(volumes, more))
  return instances[0]?.id ?? ''
}
async function running(volumes: object[], more: object = {}): Promise<string> {
  const id = await launched(volumes, more)
  await runPending(world.deps)
  expect(await rowOf(id)).toMatchObject({ faultMessage: null, vmState: 'active', taskState: null })
  return id
}
const volumesOf = async (id: string) => (await listAttachedVolumes(tenant, { id })).map((one) => one.volumeId)
async function aVolume(more: object = {}): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 2, ...more }))
  await runPending(world.deps)
  return id
}
const bootable = () => aVolume({ imageId: world.imageId })
const lastOperation = async (resourceId: string, action: string) => {
  const where = { resourceId, action }
  const row = await db().operation.findFirstOrThrow({ where, orderBy: { createdAt: 'desc' } })
  return { operationId: row.id, resourceId }
}
async function gone(id: string): Promise<void> {
  await deleteInstance(tenant, { id })
  await runPending(world.deps)
  expect(await db().instance.count({ where: { id } })).toBe(0)
}

describe('an instance whose root disk is a new volume', () => {
  test('starts from the volume, takes no other disk, and leaves the volume behind', async () => {
    const before = await accounts(world, tenant.projectId)
    const id = await running([ofImage(), { from: { kind: 'blank' }, sizeGib: 4, deleteOnTermination: true }])
    const [root = '', data = ''] = await volumesOf(id)
    expect(guestOf(id)?.spec).toMatchObject({ disks: [], volumes: [{ id: root, boot: true }, { id: data }] })
    expect(guestOf(id)?.spec.volumes[1]).not.toHaveProperty('boot')
    expect(dataOf(root)).toMatchObject({
      base: 'a'.repeat(64),
      sizeBytes: 3 * 1024 ** 3,
      guests: new Set([id]),
    })
    expect(await getVolume(tenant, { id: root })).toMatchObject({
      ...{ name: 'web-root', state: 'in-use', bootable: true, sizeGib: 3, image: { id: world.imageId } },
      attachments: [{ device: '/dev/vda', state: 'attached', instanceName: 'web' }],
    })
    expect(await listAttachedVolumes(tenant, { id })).toMatchObject([
      { device: '/dev/vda' },
      { device: '/dev/vdb' },
    ])
    const during = await accounts(world, tenant.projectId)
    const more = (key: string) => (during[key] ?? 0) - (before[key] ?? 0)
    expect(['volumes', 'volumeGib', 'hostDiskGib', 'instances'].map(more)).toEqual([2, 7, 7, 1])
    await gone(id)
    expect([await stateOf(root), await stateOf(data)]).toEqual(['available', undefined])
    expect(dataOf(root)?.guests.size).toBe(0)
    await deleteVolume(tenant, { id: root })
    await runPending(world.deps)
    expect(await accounts(world, tenant.projectId)).toEqual(before)
  })

  test('keeps it through stop, start, reboot and growth', async () => {
    const id = await running([ofImage({ deleteOnTermination: true })])
    const [root = ''] = await volumesOf(id)
    await stopInstance(tenant, { id })
    await runPending(world.deps)
    await extendVolume(tenant, { id: root, sizeGib: 5 })
    await runPending(world.deps)
    await startInstance(tenant, { id })
    await runPending(world.deps)
    await rebootInstance(tenant, { id, kind: 'hard' })
    await runPending(world.deps)
    expect(guestOf(id)).toMatchObject({ power: 'running', spec: { volumes: [{ id: root, boot: true }] } })
    await gone(id)
    expect(await stateOf(root)).toBeUndefined()
  })

  test('lies on the machine of its instance, however many are launched', async () => {
    const { instances } = await launchInstances(
      tenant,
      wishOf([ofImage({ deleteOnTermination: true })], { count: 4 }),
    )
    await runPending(world.deps)
    for (const { id } of instances) {
      const { hostId, rootOnVolume } = await rowOf(id)
      const [root = ''] = await volumesOf(id)
      const volume = await db().volume.findUniqueOrThrow({ where: { id: root }, include: { pool: true } })
      expect([volume.pool.hostId, rootOnVolume]).toEqual([hostId, true])
      expect(volume.name).toMatch(/^web-[1-4]-root$/)
    }
    for (const { id } of instances) await gone(id)
  })
})

describe('an instance whose root disk is a volume that exists', () => {
  test('runs on the machine of the volume and gives it back', async () => {
    for (let n = 0; n < 3; n++) {
      const volume = await bootable()
      const id = await launched([ofVolume(volume, { boot: true })])
      expect(await stateOf(volume)).toBe('attaching')
      await runPending(world.deps)
      const { pool } = await db().volume.findUniqueOrThrow({ where: { id: volume }, include: { pool: true } })
      expect((await rowOf(id)).hostId).toBe(pool.hostId)
      expect(await stateOf(volume)).toBe('in-use')
      await expectCloudError(
        detachVolume(tenant, { id, volumeId: volume }),
        'conflict',
        /starts from this volume/,
      )
      await gone(id)
      expect(await stateOf(volume)).toBe('available')
      const again = await running([ofVolume(volume, { boot: true })])
      await keepVolume(tenant, { id: again, volumeId: volume, deleteOnTermination: true })
      await gone(again)
      expect(await stateOf(volume)).toBeUndefined()
    }
  })

  test('is one of those who asked for it at the same time', async () => {
    const volume = await bootable()
    const asked = await Promise.allSettled(
      Array.from({ length: 10 }, () => launchInstances(tenant, wishOf([ofVolume(volume, { boot: true })]))),
    )
    const won = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value.instances : []))
    expect(won).toHaveLength(1)
    await runPending(world.deps)
    expect(await db().instance.count({ where: { projectId: tenant.projectId } })).toBe(1)
    await gone(won[0]?.id ?? '')
  })

  test('is refused with a sentence, and nothing is left of the attempt', async () => {
    const stranger = await testCtx(world.deps)
    const theirs = await createVolume(stranger, volumeCreateInput.parse({ sizeGib: 1 }))
    await runPending(world.deps)
    const before = await accounts(world, tenant.projectId)
    const empty = await aVolume()
    const refusals: [object[], RegExp, object?][] = [
      [[ofVolume(theirs.id, { boot: true })], /does not exist/],
      [[ofVolume(crypto.randomUUID(), { boot: true })], /does not exist/],
      [[ofVolume(empty, { boot: true })], /not marked as bootable/],
      [[ofImage(), ofImage()], /starts from one disk/],
      [[ofImage(), ofVolume(empty), ofVolume(empty)], /named twice/],
      [[ofImage(), ofVolume(empty)], /launch one at a time/, { count: 2 }],
      [[ofImage({ from: { kind: 'image', id: crypto.randomUUID() } })], /^Image .* could not be found/],
      [[ofImage(), { from: { kind: 'blank' } }], /how large/],
      [[ofImage({ type: 'golden' })], /no volume type golden/],
      [[ofImage(), { from: { kind: 'blank' }, sizeGib: 1, device: '/dev/sdaa' }], /no name that a disk/],
    ]
    for (const [volumes, message, more] of refusals) {
      await expect(launchInstances(tenant, wishOf(volumes, more))).rejects.toThrow(message)
      expect((await planInstance(tenant, wishOf(volumes, more))).problems).toContainEqual(
        expect.objectContaining({ field: 'volumes', message: expect.stringMatching(message) }),
      )
    }
    await deleteVolume(tenant, { id: empty })
    await runPending(world.deps)
    expect(await accounts(world, tenant.projectId)).toEqual(before)
    expect(await db().volumeAttachment.count({ where: { volumeId: theirs.id } })).toBe(0)
  })
})

describe('an instance whose root disk is made from a snapshot', () => {
  test('runs on the machine of the snapshot, with the system of the volume as it was', async () => {
    const volume = await bootable()
    const snapshot = await createSnapshot(
      tenant,
      snapshotCreateInput.parse({ volumeId: volume, name: 'before' }),
    )
    await runPending(world.deps)
    const from = { kind: 'snapshot', id: snapshot.id }
    const id = await running([{ boot: true, from, deleteOnTermination: true }])
    const [root = ''] = await volumesOf(id)
    expect(await getVolume(tenant, { id: root })).toMatchObject({
      ...{ sizeGib: 2, bootable: true, snapshotId: snapshot.id, image: { id: world.imageId } },
    })
    const { pool } = await db().volume.findUniqueOrThrow({ where: { id: root }, include: { pool: true } })
    expect((await rowOf(id)).hostId).toBe(pool.hostId)
    await expect(launchInstances(tenant, wishOf([{ boot: true, from, sizeGib: 1 }]))).rejects.toThrow(
      'The volume has 1 GiB; the snapshot needs 2 GiB.',
    )
    await gone(id)
    expect(await stateOf(root)).toBeUndefined()
  })

  test('keeps a root disk that was to go with it and has a snapshot, and says so before and after', async () => {
    const id = await running([ofImage({ deleteOnTermination: true })])
    const [root = ''] = await volumesOf(id)
    const leaving = () => volumesLeaving(tenant, { instanceIds: [id], allProjects: false })
    expect((await leaving()).volumes).toMatchObject([{ id: root, sizeGib: 3, why: null }])
    await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: root, name: 'kept' }))
    await runPending(world.deps)
    expect((await leaving()).volumes).toMatchObject([{ id: root, why: 'it has a snapshot' }])
    await gone(id)
    expect(await stateOf(root)).toBe('available')
    const reason = 'The volume was to be deleted with its instance, and stays: it has a snapshot.'
    expect(await db().volumeMessage.findMany({ where: { resourceId: root } })).toMatchObject([{ reason }])
    expect(await db().operation.findMany({ where: { resourceId: root, state: 'failed' } })).toMatchObject([
      { action: 'volume.discard', errorMessage: reason },
    ])
    const { operationId } = await lastOperation(id, 'instance.delete')
    const step = await db().operationStep.findFirst({ where: { operationId, name: 'forget' } })
    expect(step).toMatchObject({ state: 'done' })
    expect(step?.progress).toMatch(/ stays: it has a snapshot\.$/)
  })
})

describe('the room for a launch with volumes', () => {
  afterEach(() => db().host.updateMany({ data: { diskGib: 1_000 } }))

  test('is that of the volumes and not that of the disk of the flavor', async () => {
    const { id: flavorId } = await db().flavor.findFirstOrThrow({ where: { diskGib: { gte: 20 } } })
    const hosts = await db().host.findMany()
    for (const { id, diskGibUsed } of hosts)
      await db().host.update({ where: { id }, data: { diskGib: diskGibUsed + 5 } })
    const small = wishOf([ofImage()], { flavorId })
    expect(await planInstance(tenant, small)).toMatchObject({ ok: true, needs: { diskGib: 3 } })
    const large = wishOf([ofImage({ sizeGib: 6 })], { flavorId })
    expect(await planInstance(tenant, large)).toMatchObject({ ok: false, hosts: { fit: 0 } })
    await expectCloudError(launchInstances(tenant, large), 'no_capacity')
  })

  test('counts in the quota of volumes', async () => {
    const key = { projectId: tenant.projectId, resource: 'volumeGib' }
    const { volumeGib = 0 } = await accounts(world, tenant.projectId)
    await db().quotaLimit.create({ data: { ...key, limit: volumeGib + 5 } })
    const wish = wishOf([ofImage()], { count: 2 })
    expect((await planInstance(tenant, wish)).quota).toContainEqual(
      expect.objectContaining({ resource: 'volumeGib', adds: 6 }),
    )
    await expectCloudError(launchInstances(tenant, wish), 'quota_exceeded', /GiB of volumes/)
    // OpenStack's clients may ask for as many as there is room for.
    const { instances } = await launchInstances(tenant, wish, { atLeast: 1 })
    expect(instances).toHaveLength(1)
    await runPending(world.deps)
    await gone(instances[0]?.id ?? '')
    await db().quotaLimit.deleteMany({ where: key })
  })
})

test('an instance that is deleted while its volumes are made leaves what it is to leave', async () => {
  const id = await launched([ofImage(), { from: { kind: 'blank' }, sizeGib: 1, deleteOnTermination: true }])
  const [root = '', data = ''] = await volumesOf(id)
  await gone(id)
  expect([await stateOf(root), await stateOf(data)]).toEqual(['available', undefined])
})

test('an instance waits a day for its volumes, and its own time begins when they are made', async () => {
  const id = await launched([ofImage()])
  const [root = ''] = await volumesOf(id)
  const { operationId } = await lastOperation(id, 'instance.create')
  const run = () => runOperation(world.deps, operationId, { last: true })
  expect(await run()).toBe('waiting')
  await ageOperation(world.deps, operationId, 20 * 3_600_000)
  expect(await run()).toBe('waiting')
  await runToEnd(world.deps, (await lastOperation(root, 'volume.create')).operationId, { last: true })
  await runPending(world.deps)
  expect(await rowOf(id)).toMatchObject({ vmState: 'active', faultMessage: null })
  await gone(id)
  await deleteVolume(tenant, { id: root })
  await runPending(world.deps)
})

test('a host that does not build an instance in time is not waited for a day', async () => {
  const { instances } = await launchInstances(tenant, aLaunch(world))
  const id = instances[0]?.id ?? ''
  const images = [...world.hosts.values()].map(({ storage }) =>
    vi.spyOn(storage, 'ensureBase').mockResolvedValue(null),
  )
  const { operationId } = await lastOperation(id, 'instance.create')
  expect(await runOperation(world.deps, operationId, { last: true })).toBe('waiting')
  await ageOperation(world.deps, operationId, 21 * 60_000)
  expect(await runOperation(world.deps, operationId)).toBe('over')
  for (const one of images) one.mockRestore()
  const { errorMessage } = await db().operation.findUniqueOrThrow({ where: { id: operationId } })
  expect(errorMessage).toMatch(/^This was not done within 20 minutes/)
  await gone(id)
})

describe('a launch that fails', () => {
  const before = new Map<string, Awaited<ReturnType<typeof accounts>>>()
  const named = new Map<string, { root: string; old: string }>()
  async function begun() {
    const old = await aVolume()
    const used = await accounts(world, tenant.projectId)
    const id = await launched([ofImage(), ofVolume(old, { deleteOnTermination: false })])
    const [root = ''] = await volumesOf(id)
    before.set(id, used)
    named.set(id, { root, old })
    return { id, root, old }
  }

  test('deletes the volumes that it has made, and gives the others back', async () => {
    await failEveryStep(world.deps, {
      action: 'instance.create',
      async start() {
        const { id, root } = await begun()
        await runToEnd(world.deps, (await lastOperation(root, 'volume.create')).operationId, { last: true })
        return lastOperation(id, 'instance.create')
      },
      async afterFailure(id, at) {
        await runPending(world.deps)
        const { root = '', old = '' } = named.get(id) ?? {}
        expect(await rowOf(id), at).toMatchObject({ vmState: 'error', hostId: null })
        expect([await stateOf(root), dataOf(root)], at).toEqual([undefined, undefined])
        expect([await stateOf(old), dataOf(old)?.guests.size], at).toEqual(['available', 0])
        await gone(id)
        expect(await accounts(world, tenant.projectId), at).toEqual(before.get(id))
      },
      async afterSuccess(id, at) {
        const { root = '', old = '' } = named.get(id) ?? {}
        expect([await stateOf(root), await stateOf(old)], at).toEqual(['in-use', 'in-use'])
        expect(guestOf(id)?.power, at).toBe('running')
        await gone(id)
        expect([await stateOf(root), await stateOf(old)], at).toEqual(['available', 'available'])
        for (const volumeId of [root, old]) await deleteVolume(tenant, { id: volumeId })
        await runPending(world.deps)
      },
    })
  }, 120_000)

  test('says which volume could not be made', async () => {
    const { id, root } = await begun()
    const { operationId } = await lastOperation(root, 'volume.create')
    const probe = () => {
      throw new Error('Injected failure.')
    }
    await runToEnd(world.deps, operationId, { last: true, probe })
    await runPending(world.deps)
    expect(await rowOf(id)).toMatchObject({
      vmState: 'error',
      faultMessage: expect.stringMatching(/^The volume web-root could not be made\./),
    })
    expect(await stateOf(root)).toBeUndefined()
    await gone(id)
    expect(await accounts(world, tenant.projectId)).toEqual(before.get(id))
  })
})
