import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { accounts, aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, failEveryStep, runPending, testCtx } from '../../kernel/testing.ts'
import { proveUsage } from '../../quota/reconcile.ts'
import { volumeCreateInput } from '../contract.ts'
import { volumeLayers } from '../merges.ts'
import { volumeLeftovers } from '../reconcile.ts'
import { createVolume, deleteVolume, extendVolume, forceDeleteVolume, getVolume } from '../service.ts'
import { snapshotCreateInput, snapshotListInput } from './contract.ts'
import {
  changeSnapshotMetadata,
  createSnapshot,
  getSnapshot,
  listSnapshots,
  resetSnapshot,
  revertVolume,
  updateSnapshot,
} from './service.ts'
import { deleteSnapshot } from './trash.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
let empty: Record<string, number>
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
  empty = await accounts(world, tenant.projectId)
})
afterAll(() => world.close())

const db = () => world.deps.root
const drivers = () => {
  const host = world.hosts.get('a')
  if (!host) throw new Error('the host is gone')
  return host.volumes
}
async function aVolume(patch: object = {}): Promise<string> {
  const input = volumeCreateInput.parse({ sizeGib: 1, ...patch })
  const { id } = await createVolume(tenant, input)
  await runPending(world.deps)
  return id
}
const make = (volumeId: string, patch: object = {}) =>
  createSnapshot(tenant, snapshotCreateInput.parse({ volumeId, ...patch }))
async function aSnapshot(volumeId: string): Promise<string> {
  const { id } = await make(volumeId)
  await runPending(world.deps)
  return id
}
const stateOf = async (id: string) => (await db().volumeSnapshot.findUnique({ where: { id } }))?.state
const last = async (resourceId: string, action: string) => ({
  operationId: (
    await db().operation.findFirstOrThrow({ where: { resourceId, action }, orderBy: { createdAt: 'desc' } })
  ).id,
  resourceId,
})
/** Deletes what the test has made; nothing is left anywhere. */
async function end(at: string): Promise<void> {
  for (const { id } of await db().volumeSnapshot.findMany({ where: { state: { not: 'deleting' } } }))
    await deleteSnapshot(tenant, { id })
  await runPending(world.deps)
  for (const { id } of await db().volume.findMany()) await deleteVolume(tenant, { id })
  await runPending(world.deps)
  expect([...drivers().snapshots.keys(), ...drivers().volumes.keys()], at).toEqual([])
  expect(await accounts(world, tenant.projectId), at).toEqual(empty)
}

describe('a failure or crash at any step', () => {
  test('of taking a snapshot leaves it available, or in an error state with the reason', async () => {
    await failEveryStep(world.deps, {
      action: 'volumeSnapshot.create',
      start: async () => last((await make(await aVolume())).id, 'volumeSnapshot.create'),
      async afterFailure(id, at) {
        const isMade = at.includes('fails after')
        expect(await getSnapshot(tenant, { id }), at).toMatchObject(
          isMade ? { state: 'available', error: null } : { state: 'error', error: 'Injected failure.' },
        )
        await end(at)
      },
      async afterSuccess(id, at) {
        expect(await getSnapshot(tenant, { id }), at).toMatchObject({ state: 'available', quiesced: true })
        expect(drivers().snapshots.get(id), at).toMatchObject({ sizeBytes: 1024 ** 3 })
        await end(at)
      },
    })
  }, 60_000)

  test('of deleting a snapshot leaves nothing, or a snapshot that can be deleted again', async () => {
    await failEveryStep(world.deps, {
      action: 'volumeSnapshot.delete',
      async start() {
        const id = await aSnapshot(await aVolume())
        await deleteSnapshot(tenant, { id })
        return last(id, 'volumeSnapshot.delete')
      },
      async afterFailure(id, at) {
        expect(await stateOf(id), at).toBe(at.endsWith('after forget') ? undefined : 'error_deleting')
        await end(at)
      },
      afterSuccess: (_id, at) => end(at),
    })
  }, 60_000)

  test('of going back to a snapshot leaves the snapshot usable, and the volume says what became of it', async () => {
    await failEveryStep(world.deps, {
      action: 'volume.revert',
      async start() {
        const id = await aVolume()
        await revertVolume(tenant, { id, snapshotId: await aSnapshot(id) })
        return last(id, 'volume.revert')
      },
      async afterFailure(id, at) {
        const { state } = await getVolume(tenant, { id })
        expect(state, at).toBe(at.includes('fails after') ? 'available' : 'error')
        const [snapshot] = (await listSnapshots(tenant, snapshotListInput.parse({ volumeId: id }))).items
        expect(snapshot?.state, at).toBe('available')
        if (state === 'error') {
          await revertVolume(tenant, { id, snapshotId: snapshot?.id ?? '' })
          await runPending(world.deps)
          expect((await getVolume(tenant, { id })).state, at).toBe('available')
        }
        await end(at)
      },
      async afterSuccess(id, at) {
        expect((await getVolume(tenant, { id })).state, at).toBe('available')
        await end(at)
      },
    })
  }, 60_000)
})

test('volumes are made of a snapshot and of a volume, as large as these or larger, and nothing that is needed goes', async () => {
  const source = await aVolume({ sizeGib: 2, imageId: world.imageId })
  const snapshotId = await aSnapshot(source)
  await expectCloudError(
    createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, snapshotId })),
    'invalid_input',
    /snapshot needs 2 GiB/,
  )
  await expectCloudError(
    createVolume(tenant, volumeCreateInput.parse({ sizeGib: 2, snapshotId, sourceVolumeId: source })),
    'invalid_input',
    /one of them/,
  )
  const copies = [
    await aVolume({ sizeGib: undefined, snapshotId }),
    await aVolume({ sizeGib: 3, sourceVolumeId: source }),
  ]
  for (const [index, id] of copies.entries()) {
    expect(await getVolume(tenant, { id })).toMatchObject({
      ...{ state: 'available', bootable: true, image: { id: world.imageId }, sizeGib: 2 + index },
      ...(index === 0 ? { snapshotId } : { sourceVolumeId: source }),
    })
    expect(drivers().volumes.get(id)?.base).toBe('a'.repeat(64))
  }
  await expectCloudError(deleteVolume(tenant, { id: source }), 'conflict', /has a snapshot/)
  await expectCloudError(forceDeleteVolume(admin, { id: source }), 'conflict', /has a snapshot/)
  const { id: late } = await createVolume(tenant, volumeCreateInput.parse({ snapshotId }))
  await expectCloudError(
    deleteSnapshot(tenant, { id: snapshotId }),
    'conflict',
    /being made of this snapshot/,
  )
  const { id: later } = await createVolume(tenant, volumeCreateInput.parse({ sourceVolumeId: source }))
  await runPending(world.deps)
  expect((await getVolume(tenant, { id: late })).state).toBe('available')
  expect((await getVolume(tenant, { id: later })).state).toBe('available')
  await deleteSnapshot(tenant, { id: snapshotId })
  await runPending(world.deps)
  await deleteVolume(tenant, { id: source })
  await end('after all')
})

test('a volume of a snapshot or of a volume has their type, unless another is named', async () => {
  const slow = { id: crypto.randomUUID(), name: 'slow' }
  await db().volumeType.create({ data: slow })
  const source = await aVolume({ type: 'slow' })
  const snapshotId = await aSnapshot(source)
  for (const from of [{ snapshotId }, { sourceVolumeId: source }]) {
    const typeOf = async (patch: object) => (await getVolume(tenant, { id: await aVolume(patch) })).type.name
    expect(await typeOf({ ...from, sizeGib: undefined })).toBe('slow')
    expect(await typeOf({ ...from, sizeGib: undefined, type: 'Standard' })).toBe('Standard')
  }
  await end('after all')
})

test('a snapshot is taken of a volume that an instance has, and tells whether the guest held still', async () => {
  const id = await aVolume()
  const { instances } = await launchInstances(tenant, aLaunch(world))
  const instanceId = instances[0]?.id ?? ''
  await runPending(world.deps)
  await attachVolume(tenant, { id: instanceId, volumeId: id })
  await expectCloudError(make(id), 'conflict', /being attached/)
  await runPending(world.deps)
  const snapshotId = await aSnapshot(id)
  expect(await getSnapshot(tenant, { id: snapshotId })).toMatchObject({ state: 'available', quiesced: true })
  await expectCloudError(revertVolume(tenant, { id, snapshotId }), 'conflict', /Detach it first/)
  await db().volumeAttachment.deleteMany({ where: { volumeId: id } })
  await db().volume.update({ where: { id }, data: { state: 'available' } })
  drivers().volumes.get(id)?.guests.clear()
  await db().volumeSnapshot.update({ where: { id: snapshotId }, data: { state: 'available' } })
  const usedNow = await accounts(world, tenant.projectId)
  expect(usedNow.volumeGib).toBe(2)
  await deleteSnapshot(tenant, { id: snapshotId })
  await runPending(world.deps)
  await deleteVolume(tenant, { id })
  await runPending(world.deps)
})

test('only the latest snapshot is gone back to where OpenStack’s clients ask, and only one of the volume itself', async () => {
  const [id, other] = [await aVolume(), await aVolume()]
  const [first, second] = [await aSnapshot(id), await aSnapshot(id)]
  const latestOnly = { latestOnly: true }
  await expectCloudError(
    revertVolume(tenant, { id, snapshotId: first }, latestOnly),
    'invalid_input',
    /not the latest/,
  )
  await expectCloudError(
    revertVolume(tenant, { id: other, snapshotId: first }),
    'invalid_input',
    /another volume/,
  )
  await revertVolume(tenant, { id, snapshotId: second }, latestOnly)
  await expectCloudError(deleteSnapshot(tenant, { id: second }), 'conflict', /being restored/)
  await expectCloudError(deleteVolume(tenant, { id }), 'conflict', /going back to a snapshot/)
  await runPending(world.deps)
  await extendVolume(tenant, { id, sizeGib: 3 })
  await runPending(world.deps)
  await revertVolume(tenant, { id, snapshotId: first })
  await runPending(world.deps)
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'available', sizeGib: 3 })
})

test('changes and deletion are for members, and those of stuck snapshots for administrators', async () => {
  const id = await aSnapshot(await aVolume())
  const reader = await testCtx(world.deps, { role: 'reader', projectId: tenant.projectId })
  const stranger = await testCtx(world.deps)
  for (const act of [
    (ctx: Ctx) => updateSnapshot(ctx, { id, name: 'x' }),
    (ctx: Ctx) => changeSnapshotMetadata(ctx, id, () => ({})),
    (ctx: Ctx) => deleteSnapshot(ctx, { id }),
  ]) {
    await expectCloudError(act(reader), 'forbidden')
    await expectCloudError(act(stranger), 'not_found')
  }
  await updateSnapshot(tenant, { id, name: 'renamed', description: 'why' })
  await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      changeSnapshotMetadata(tenant, id, (before) => ({ ...before, [`key${n}`]: String(n) })),
    ),
  )
  const shown = await getSnapshot(tenant, { id })
  expect(shown).toMatchObject({ name: 'renamed', description: 'why' })
  expect(Object.keys(shown.metadata)).toHaveLength(8)
  await expectCloudError(resetSnapshot(tenant, { id, to: 'error' }), 'forbidden')
  await resetSnapshot(admin, { id, to: 'error' })
  expect((await getSnapshot(tenant, { id })).error).toBe('An administrator has set this state.')
  await expectCloudError(deleteSnapshot(tenant, { id, force: true }), 'forbidden')
  await deleteSnapshot(admin, { id, force: true })
  await expectCloudError(resetSnapshot(admin, { id, to: 'available' }), 'conflict', /being done/)
  await runPending(world.deps)
})

test('a snapshot that was never made does not become available by an administrator', async () => {
  const volumeId = await aVolume()
  drivers().failNext('ensureSnapshot', new DriverError('no_space', 'full'))
  const { id } = await make(volumeId)
  await runPending(world.deps)
  expect(await stateOf(id)).toBe('error')
  await expectCloudError(resetSnapshot(admin, { id, to: 'available' }), 'conflict', /never made/)
  await resetSnapshot(admin, { id, to: 'error' })
  await deleteSnapshot(tenant, { id })
  await deleteVolume(tenant, { id: await aVolume() })
  await runPending(world.deps)
})

test('a host that was off while a snapshot was deleted loses its data when it is back', async () => {
  const id = await aSnapshot(await aVolume())
  const is = (state: string) => db().host.updateMany({ data: { state } })
  world.faults.set('a', 'refuses')
  await is('fenced')
  try {
    await deleteSnapshot(tenant, { id })
    await runPending(world.deps)
    expect(await stateOf(id)).toBeUndefined()
    expect(drivers().snapshots.has(id)).toBe(true)
  } finally {
    world.faults.delete('a')
    await is('up')
  }
  await volumeLeftovers.run(world.system)
  expect(drivers().snapshots.has(id)).toBe(false)
})

test('the layers of a removed snapshot are merged, and a volume that cannot be merged now is tried again', async () => {
  // The volumes of the tests above.
  for (let n = 0; n < 3; n++) await volumeLayers.run(world.system)
  const [one, two] = [await aVolume(), await aVolume()]
  for (const volumeId of [one, two]) {
    await deleteSnapshot(tenant, { id: await aSnapshot(volumeId) })
    await runPending(world.deps)
  }
  const mergeable = () => [one, two].map((id) => drivers().volumes.get(id)?.mergeable)
  expect(mergeable()).toEqual([1, 1])
  drivers().failNext('mergeLayers', new DriverError('unavailable', 'busy'))
  await volumeLayers.run(world.system)
  expect(mergeable().toSorted()).toEqual([0, 1])
  await volumeLayers.run(world.system)
  expect(mergeable()).toEqual([0, 0])
})

test('the counted GiB are those of volumes and of snapshots', async () => {
  const ctx = await testTenant(world)
  const { id } = await createVolume(ctx, volumeCreateInput.parse({ sizeGib: 3 }))
  await runPending(world.deps)
  await createSnapshot(ctx, snapshotCreateInput.parse({ volumeId: id }))
  const where = { projectId: ctx.projectId, resource: 'volumeGib' }
  await db().quotaUsage.updateMany({ where, data: { used: 1 } })
  await proveUsage(world.system)
  expect((await db().quotaUsage.findFirst({ where }))?.used).toBe(6)
  drivers().failNext('ensureSnapshot', new DriverError('no_space', 'full'))
  await runPending(world.deps)
})
