import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { deleteInstance } from '../../compute/instances/actions.ts'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { accounts, aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { backupCreateInput } from '../backups/contract.ts'
import { createBackup } from '../backups/service.ts'
import { deleteBackup, endBackup } from '../backups/trash.ts'
import { leavingInput, volumeCan, volumeCreateInput, volumeListInput } from '../contract.ts'
import { groupCreateInput } from '../groups/contract.ts'
import { createGroup, deleteGroup } from '../groups/service.ts'
import { volumeContents } from '../project-deletion.ts'
import {
  createSnapshot,
  createTransfer,
  createVolume,
  deleteSnapshot,
  deleteVolume,
  endVolume,
  extendVolume,
  forceDeleteVolume,
  getSnapshot,
  getVolume,
  listSnapshots,
  listSnapshotTrash,
  listTrash,
  listVolumes,
  setReadOnly,
  takeBackSnapshot,
  takeBackVolume,
  trashSummary,
  updateVolume,
  volumesLeaving,
} from '../service.ts'
import { snapshotCreateInput, snapshotListInput, snapshotTrashInput } from '../snapshots/contract.ts'
import { snapshotTrash } from '../snapshots/trash.ts'
import { transferCreateInput } from '../transfers/contract.ts'
import { volumeTrashInput } from './contract.ts'
import { volumeTrash } from './service.ts'
import { trashReconciler } from './trash.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let empty: Record<string, number>
beforeAll(async () => {
  world = await testWorld(['a'])
  world.deps.config.takeBackMs = 600_000
  tenant = await testTenant(world)
  await runPending(world.deps)
  empty = await accounts(world, tenant.projectId)
})
afterAll(() => world.close())

const db = () => world.deps.root
const now = () => accounts(world, tenant.projectId)
const onHost = (id: string) => world.hosts.get('a')?.volumes.volumes.get(id)
const exists = async (id: string) => (await db().volume.count({ where: { id } })) === 1
async function aVolume(patch: object = {}): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ name: 'data', sizeGib: 2, ...patch }))
  await runPending(world.deps)
  return id
}
const listed = async () => (await listVolumes(tenant, volumeListInput.parse({}))).items.map(({ id }) => id)
const trashed = async (ctx: Ctx = tenant) =>
  (await listTrash(ctx, volumeTrashInput.parse({}))).items.map(({ id }) => id)
/** Lets the time of a deleted volume be over, and the reconciler see that. */
async function round(id?: string): Promise<void> {
  if (id !== undefined) await db().volume.update({ where: { id }, data: { trashedUntil: new Date(0) } })
  await trashReconciler([snapshotTrash, volumeTrash]).run(world.system)
  await runPending(world.deps)
}

test('a protected volume is deleted by nobody until the protection is taken back', async () => {
  const id = await aVolume()
  await updateVolume(tenant, { id, protected: true })
  expect(await getVolume(tenant, { id })).toMatchObject({ protected: true })
  const why = /protected from deletion/
  await expectCloudError(deleteVolume(tenant, { id }), 'conflict', why)
  await expectCloudError(deleteVolume(tenant, { id, cascade: true }), 'conflict', why)
  const admin = await testCtx(world.deps, { role: 'admin' })
  await expectCloudError(forceDeleteVolume(admin, { id }), 'conflict', why)
  const { id: groupId } = await createGroup(tenant, groupCreateInput.parse({ volumeIds: [id] }))
  await runPending(world.deps)
  await expectCloudError(deleteGroup(tenant, { id: groupId, volumes: 'delete' }), 'conflict', why)
  await deleteGroup(tenant, { id: groupId, volumes: 'keep' })
  const reader = await testCtx(world.deps, { role: 'reader', projectId: tenant.projectId })
  await expectCloudError(updateVolume(reader, { id, protected: false }), 'forbidden')
  await updateVolume(tenant, { id, protected: false })
  await deleteVolume(tenant, { id })
  await endVolume(tenant, { id })
  await runPending(world.deps)
  expect(await exists(id)).toBe(false)
})

test('a protected volume stays when its instance is deleted, and goes with its project', async () => {
  const id = await aVolume()
  const { instances } = await launchInstances(tenant, aLaunch(world))
  const instanceId = instances[0]?.id ?? ''
  await runPending(world.deps)
  await attachVolume(tenant, { id: instanceId, volumeId: id, deleteOnTermination: true })
  await runPending(world.deps)
  await updateVolume(tenant, { id, protected: true })
  const leaving = await volumesLeaving(tenant, leavingInput.parse({ instanceIds: [instanceId] }))
  expect(leaving.volumes).toMatchObject([{ id, why: 'it is protected from deletion' }])
  await deleteInstance(tenant, { id: instanceId })
  await runPending(world.deps)
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'available', protected: true })
  const its = volumeContents.find(({ kind }) => kind === 'volume')
  await its?.remove(await testCtx(world.deps, { role: 'admin' }), tenant.projectId)
  await runPending(world.deps)
  expect(await exists(id)).toBe(false)
})

test('a deleted volume is gone for everybody, counts as before, and comes back as it was', async () => {
  const id = await aVolume({ metadata: { a: 'b' } })
  await setReadOnly(tenant, { id, readOnly: true })
  const [before, counted] = [await getVolume(tenant, { id }), await now()]
  const { takeBackUntil } = await deleteVolume(tenant, { id })
  expect(Date.parse(takeBackUntil ?? '') - Date.now()).toBeGreaterThan(590_000)
  await round()
  await expectCloudError(getVolume(tenant, { id }), 'not_found')
  await expectCloudError(deleteVolume(tenant, { id }), 'not_found')
  await expectCloudError(extendVolume(tenant, { id, sizeGib: 9 }), 'not_found')
  const { instances } = await launchInstances(tenant, aLaunch(world))
  await runPending(world.deps)
  const server = instances[0]?.id ?? ''
  await expectCloudError(attachVolume(tenant, { id: server, volumeId: id }), 'not_found')
  await deleteInstance(tenant, { id: server })
  await runPending(world.deps)
  const volumes = [{ from: { kind: 'volume', id }, bootIndex: null }]
  await expect(launchInstances(tenant, aLaunch(world, { volumes }))).rejects.toThrow(/does not exist/)
  expect([await listed(), await trashed()]).toEqual([[], [id]])
  expect(await trashSummary(tenant, undefined)).toEqual({
    ...{ minutes: 10, volumes: 1, snapshots: 0, backups: 0, volumeGib: 2, volumeBackupGib: 0 },
  })
  expect(await now()).toEqual(counted)
  expect(onHost(id)).toBeDefined()

  await takeBackVolume(tenant, { id })
  expect(await getVolume(tenant, { id })).toEqual(before)
  expect([await listed(), await trashed()]).toEqual([[id], []])
  await expectCloudError(takeBackVolume(tenant, { id }), 'not_found')
  await expectCloudError(endVolume(tenant, { id }), 'not_found')

  await deleteVolume(tenant, { id })
  await db().volume.update({ where: { id }, data: { trashedUntil: new Date(0) } })
  await expectCloudError(takeBackVolume(tenant, { id }), 'not_found')
  await round(id)
  expect([await exists(id), onHost(id), await now()]).toEqual([false, undefined, empty])
  await expectCloudError(takeBackVolume(tenant, { id }), 'not_found')
})

test('members of the project alone see it, take it back or end it', async () => {
  const id = await aVolume()
  await deleteVolume(tenant, { id })
  const stranger = await testCtx(world.deps)
  const reader = await testCtx(world.deps, { role: 'reader', projectId: tenant.projectId })
  expect([await trashed(stranger), await trashed(reader)]).toEqual([[], [id]])
  await expectCloudError(trashSummary(stranger, { projectId: tenant.projectId }), 'forbidden')
  for (const act of [takeBackVolume, endVolume]) {
    await expectCloudError(act(stranger, { id }), 'not_found')
    await expectCloudError(act(reader, { id }), 'forbidden')
  }
  await endVolume(tenant, { id })
  await runPending(world.deps)
  expect([await exists(id), await now()]).toEqual([false, empty])
})

test('when it is taken back and ended at once, one of both happens', async () => {
  for (let i = 0; i < 5; i++) {
    const id = await aVolume()
    await deleteVolume(tenant, { id })
    const done = await Promise.allSettled([takeBackVolume(tenant, { id }), endVolume(tenant, { id })])
    await runPending(world.deps)
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await exists(id)).toBe(done[0].status === 'fulfilled')
    if (!(await exists(id))) continue
    await deleteVolume(tenant, { id })
    await round(id)
  }
  expect(await now()).toEqual(empty)
})

test('a volume whose data could not be removed is seen again, and its next deletion does not wait', async () => {
  const id = await aVolume()
  await deleteVolume(tenant, { id })
  world.hosts.get('a')?.volumes.failNext('removeVolume', new DriverError('failed', 'The disk is broken.'))
  await round(id)
  expect(await getVolume(tenant, { id })).toMatchObject({
    state: 'error_deleting',
    error: expect.any(String),
  })
  expect(await trashed()).toEqual([])
  expect(await deleteVolume(tenant, { id })).toEqual({ takeBackUntil: null })
  await runPending(world.deps)
  expect([await exists(id), await now()]).toEqual([false, empty])
})

test('a volume that goes with its instance can be taken back as well', async () => {
  const id = await aVolume()
  const { instances } = await launchInstances(tenant, aLaunch(world))
  await runPending(world.deps)
  const server = instances[0]?.id ?? ''
  await attachVolume(tenant, { id: server, volumeId: id, deleteOnTermination: true })
  await runPending(world.deps)
  await deleteInstance(tenant, { id: server })
  await runPending(world.deps)
  expect(await trashed()).toEqual([id])
  expect(await takeBackVolume(tenant, { id })).toMatchObject({ state: 'available', attachments: [] })
  await deleteVolume(tenant, { id })
  await round(id)
  expect(await now()).toEqual(empty)
})

test('a volume that is still being made larger is removed when that is over', async () => {
  const id = await aVolume()
  await deleteVolume(tenant, { id })
  await db().volume.update({ where: { id }, data: { state: 'extending' } })
  await expectCloudError(endVolume(tenant, { id }), 'conflict', /being made larger/)
  const asked = vi.spyOn(volumeTrash, 'end')
  await round(id)
  // A hundred of them would otherwise be all that a round asks for.
  expect(asked).not.toHaveBeenCalledWith(expect.anything(), id)
  asked.mockRestore()
  expect(await exists(id)).toBe(true)
  await db().volume.update({ where: { id }, data: { state: 'available' } })
  await round(id)
  expect([await exists(id), await now()]).toEqual([false, empty])
})

test('what is being backed up is deleted neither by force nor with its snapshots', async () => {
  const admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  const id = await aVolume()
  await createBackup(tenant, backupCreateInput.parse({ volumeId: id, name: 'backup' }))
  for (const cascade of [false, true])
    await expectCloudError(forceDeleteVolume(admin, { id, cascade }), 'conflict', /being backed up/)
  await runPending(world.deps)
  const [backup] = await db().volumeBackup.findMany({ where: { volumeId: id } })
  await deleteBackup(tenant, { id: backup?.id ?? '' })
  await endBackup(tenant, { id: backup?.id ?? '' })
  await runPending(world.deps)
  await forceDeleteVolume(admin, { id, cascade: true })
  await runPending(world.deps)
  expect([await exists(id), await now()]).toEqual([false, empty])
})

test('what an administrator forces, and a project that is deleted, do not wait', async () => {
  const admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  const [forced, deleted, kept] = [await aVolume(), await aVolume(), await aVolume()]
  await forceDeleteVolume(admin, { id: forced })
  await runPending(world.deps)
  expect(await exists(forced)).toBe(false)
  await deleteVolume(tenant, { id: deleted })
  const thing = volumeContents.find(({ kind }) => kind === 'volume')
  expect(await thing?.count(world.system, tenant.projectId)).toBe(2)
  expect(await thing?.remove(world.system, tenant.projectId)).toBeNull()
  await runPending(world.deps)
  expect([await exists(deleted), await exists(kept), await now()]).toEqual([false, false, empty])
})

test('with the setting 0 the data go at once', async () => {
  world.deps.config.takeBackMs = 0
  try {
    const id = await aVolume()
    expect(await deleteVolume(tenant, { id })).toEqual({ takeBackUntil: null })
    expect(await getVolume(tenant, { id })).toMatchObject({ state: 'deleting' })
    await runPending(world.deps)
    expect([await exists(id), await now()]).toEqual([false, empty])
  } finally {
    world.deps.config.takeBackMs = 600_000
  }
})

async function aSnapshot(volumeId: string): Promise<string> {
  const { id } = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId, name: 'before' }))
  await runPending(world.deps)
  return id
}
const snapshotsOf = (volumeId: string) => db().volumeSnapshot.count({ where: { volumeId } })

test('snapshots go with their volume when that is asked for, and its data go after theirs', async () => {
  for (const takeBackMs of [600_000, 0]) {
    world.deps.config.takeBackMs = takeBackMs
    const id = await aVolume()
    await aSnapshot(id)
    await expectCloudError(deleteVolume(tenant, { id }), 'conflict', /has a snapshot/)
    const seen = await getVolume(tenant, { id })
    expect([seen.hasSnapshots, volumeCan.delete(seen)]).toEqual([true, expect.stringMatching(/snapshots/)])
    await deleteVolume(tenant, { id, cascade: true })
    await expectCloudError(getVolume(tenant, { id }), 'not_found')
    await endVolume(tenant, { id })
    expect([await exists(id), await snapshotsOf(id)]).toEqual([true, 1])
    await runPending(world.deps)
    expect([await exists(id), await snapshotsOf(id)]).toEqual([true, 0])
    await round()
    expect([await exists(id), await now()]).toEqual([false, empty])
  }
  world.deps.config.takeBackMs = 600_000
})

test('a deleted snapshot is gone for everybody, counts as before, and comes back as it was', async () => {
  const volumeId = await aVolume()
  const id = await aSnapshot(volumeId)
  const [before, counted] = [await getSnapshot(tenant, { id }), await now()]
  const { takeBackUntil } = await deleteSnapshot(tenant, { id })
  expect(Date.parse(takeBackUntil ?? '') - Date.now()).toBeGreaterThan(590_000)
  await expectCloudError(getSnapshot(tenant, { id }), 'not_found')
  await expectCloudError(createVolume(tenant, volumeCreateInput.parse({ snapshotId: id })), 'not_found')
  expect((await listSnapshots(tenant, snapshotListInput.parse({}))).items).toEqual([])
  const listed = await listSnapshotTrash(tenant, snapshotTrashInput.parse({ volumeId }))
  expect(listed.items.map((one) => one.id)).toEqual([id])
  expect(await trashSummary(tenant, undefined)).toMatchObject({ volumes: 0, snapshots: 1, volumeGib: 2 })
  expect(await now()).toEqual(counted)
  const stranger = await testCtx(world.deps)
  await expectCloudError(takeBackSnapshot(stranger, { id }), 'not_found')
  await takeBackSnapshot(tenant, { id })
  expect(await getSnapshot(tenant, { id })).toEqual(before)
  await deleteSnapshot(tenant, { id })
  await db().volumeSnapshot.update({ where: { id }, data: { trashedUntil: new Date(0) } })
  await expectCloudError(takeBackSnapshot(tenant, { id }), 'not_found')
  await round()
  expect(await snapshotsOf(volumeId)).toBe(0)
  await deleteVolume(tenant, { id: volumeId })
  await round(volumeId)
  expect(await now()).toEqual(empty)
})

test('a deleted snapshot keeps its volume from nothing but an offer, and comes back after the volume alone', async () => {
  const volumeId = await aVolume()
  const id = await aSnapshot(volumeId)
  await deleteSnapshot(tenant, { id })
  const offer = createTransfer(tenant, transferCreateInput.parse({ volumeId }))
  await expectCloudError(offer, 'conflict', /can still be taken back/)
  expect((await getVolume(tenant, { id: volumeId })).hasSnapshots).toBe(false)
  const listed = async () =>
    (await listSnapshotTrash(tenant, snapshotTrashInput.parse({ volumeId }))).items.map(
      (one) => one.isVolumeDeleted,
    )
  expect(await listed()).toEqual([false])
  await deleteVolume(tenant, { id: volumeId })
  expect(await listed()).toEqual([true])
  await expectCloudError(takeBackSnapshot(tenant, { id }), 'conflict', /Take the volume back first/)
  await takeBackVolume(tenant, { id: volumeId })
  await takeBackSnapshot(tenant, { id })
  await deleteSnapshot(tenant, { id })
  // By force, and when the time of the volume is over, its deleted snapshots go first.
  const admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await forceDeleteVolume(admin, { id: volumeId })
  await runPending(world.deps)
  await round()
  expect([await exists(volumeId), await now()]).toEqual([false, empty])
  const other = await aVolume()
  await aSnapshot(other)
  await deleteVolume(tenant, { id: other, cascade: true })
  await round(other)
  await round()
  expect([await exists(other), await now()]).toEqual([false, empty])
})

test('a snapshot whose data could not be removed brings its volume back, and both can be deleted again', async () => {
  const id = await aVolume()
  const snapshotId = await aSnapshot(id)
  await deleteVolume(tenant, { id, cascade: true })
  world.hosts.get('a')?.volumes.failNext('removeSnapshot', new DriverError('failed', 'The disk is broken.'))
  await round(id)
  const error = expect.stringMatching(/^A snapshot of the volume could not be removed: ./)
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'error_deleting', error })
  expect(await getSnapshot(tenant, { id: snapshotId })).toMatchObject({ state: 'error_deleting' })
  expect(await trashed()).toEqual([])
  await deleteVolume(tenant, { id, cascade: true })
  await runPending(world.deps)
  await round(id)
  expect([await exists(id), await now()]).toEqual([false, empty])

  // The snapshot went alone, before its volume was deleted, whose own time is not over.
  const other = await aVolume()
  await deleteSnapshot(tenant, { id: await aSnapshot(other) })
  await deleteVolume(tenant, { id: other })
  await db().volumeSnapshot.updateMany({ where: { volumeId: other }, data: { trashedUntil: new Date(0) } })
  world.hosts.get('a')?.volumes.failNext('removeSnapshot', new DriverError('failed', 'The disk is broken.'))
  await round()
  expect(await getVolume(tenant, { id: other })).toMatchObject({ state: 'available', error: null })
  await deleteVolume(tenant, { id: other, cascade: true })
  await runPending(world.deps)
  await round(other)
  expect(await now()).toEqual(empty)
})

test('volumes whose snapshots are being removed hold up none of the others', async () => {
  const id = await aVolume()
  await deleteVolume(tenant, { id })
  const row = await db().volume.findUniqueOrThrow({ where: { id } })
  const [metadata, source, trashedUntil] = [{}, {}, new Date(0)]
  const stuck = Array.from({ length: 100 }, () => ({
    ...row,
    id: crypto.randomUUID(),
    metadata,
    imageMetadata: {},
    source,
    trashedUntil,
  }))
  const { poolId, projectId, userId } = row
  const snapshots = stuck.map(({ id: volumeId }) => ({
    ...{ id: crypto.randomUUID(), volumeId, poolId, projectId, userId, name: '', sizeGib: 1 },
    ...{ state: 'deleting', trashedUntil },
  }))
  await db().volume.createMany({ data: stuck })
  await db().volumeSnapshot.createMany({ data: snapshots })
  await db().volume.update({ where: { id }, data: { trashedUntil: new Date(1) } })
  await round()
  expect(await exists(id)).toBe(false)
  await db().volumeSnapshot.deleteMany({ where: { id: { in: snapshots.map((one) => one.id) } } })
  await db().volume.deleteMany({ where: { id: { in: stuck.map((one) => one.id) } } })
  expect(await now()).toEqual(empty)
})

test('a volume that has snapshots stays when its instance goes', async () => {
  const id = await aVolume()
  await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
  const { instances } = await launchInstances(tenant, aLaunch(world))
  await runPending(world.deps)
  const server = instances[0]?.id ?? ''
  await attachVolume(tenant, { id: server, volumeId: id, deleteOnTermination: true })
  await runPending(world.deps)
  await deleteInstance(tenant, { id: server })
  await runPending(world.deps)
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'available', attachments: [] })
  await deleteVolume(tenant, { id, cascade: true })
  await round(id)
  await round()
  expect(await now()).toEqual(empty)
})
