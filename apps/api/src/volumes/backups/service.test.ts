import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { accounts, aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { runOperation } from '../../kernel/run.ts'
import { expectCloudError, failEveryStep, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import {
  cancelBackup,
  createBackup,
  createSnapshot,
  createVolume,
  deleteBackup,
  deleteSnapshot,
  deleteVolume,
  endBackup,
  extendVolume,
  forceDeleteBackup,
  forceDeleteVolume,
  getBackup,
  getSnapshot,
  getVolume,
  listBackups,
  listBackupTrash,
  planBackup,
  resetBackup,
  resetSnapshot,
  resetVolume,
  takeBackBackup,
  updateBackup,
} from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { trashReconciler } from '../trash/trash.ts'
import { backupCreateInput, backupListInput, backupTrashInput } from './contract.ts'
import { restoreBackup } from './restore.ts'
import { backupTrash } from './trash.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
let empty: Record<string, number>
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  const unlimited = ['volumes', 'volumeBackups'].map((resource) => ({
    ...{ projectId: tenant.projectId, resource, limit: -1 },
  }))
  await world.deps.root.quotaLimit.createMany({ data: unlimited })
  await runPending(world.deps)
  empty = await accounts(world, tenant.projectId)
})
afterAll(() => world.close())

const db = () => world.deps.root
const host = () => {
  const found = world.hosts.get('a')
  if (!found) throw new Error('the host is gone')
  return found
}
const settle = () => runPending(world.deps)
async function aVolume(patch: object = {}): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ name: 'data', sizeGib: 1, ...patch }))
  await settle()
  return id
}
const make = (volumeId: string, patch: object = {}) =>
  createBackup(tenant, backupCreateInput.parse({ volumeId, ...patch }))
async function aBackup(volumeId: string, patch: object = {}): Promise<string> {
  const { id } = await make(volumeId, patch)
  await settle()
  return id
}
const volumeState = async (id: string) => (await getVolume(tenant, { id })).state
const stateOf = async (id: string) => (await db().volumeBackup.findUnique({ where: { id } }))?.state
const last = async (resourceId: string, action: string) => ({
  operationId: (
    await db().operation.findFirstOrThrow({ where: { resourceId, action }, orderBy: { createdAt: 'desc' } })
  ).id,
  resourceId,
})
/** Deletes what the test has made; nothing is left anywhere. */
async function end(at: string): Promise<void> {
  await settle()
  for (const { id } of await db().volumeBackup.findMany()) await forceDeleteBackup(admin, { id })
  for (const { id } of await db().volumeSnapshot.findMany()) await deleteSnapshot(tenant, { id })
  await settle()
  for (const { id } of await db().volume.findMany()) await deleteVolume(tenant, { id })
  await settle()
  expect([...host().backups.backups.keys(), ...host().volumes.volumes.keys()], at).toEqual([])
  expect(await accounts(world, tenant.projectId), at).toEqual(empty)
}

describe('a failure or crash at any step', () => {
  test('of making a backup leaves it available, or in an error state with the reason, and its volume free', async () => {
    await failEveryStep(world.deps, {
      action: 'volumeBackup.create',
      start: async () => last((await make(await aVolume())).id, 'volumeBackup.create'),
      async afterFailure(id, at) {
        // The record is written when the backup is made already.
        const isMade = at.includes('fails after') || at.includes('record')
        const backup = await getBackup(tenant, { id })
        expect(backup, at).toMatchObject(
          isMade ? { state: 'available', error: null } : { state: 'error', error: 'Injected failure.' },
        )
        expect(await volumeState(backup.volume.id), at).toBe('available')
        await end(at)
      },
      async afterSuccess(id, at) {
        const backup = await getBackup(tenant, { id })
        const stored = { storedBytes: 1024 ** 3 / 4, chunks: 8, quiesced: true }
        expect(backup, at).toMatchObject({ state: 'available', sizeGib: 1, parentId: null, ...stored })
        expect(await volumeState(backup.volume.id), at).toBe('available')
        await end(at)
      },
    })
  }, 60_000)

  test('of deleting a backup leaves nothing, or a backup that can be deleted again', async () => {
    await failEveryStep(world.deps, {
      action: 'volumeBackup.delete',
      async start() {
        const id = await aBackup(await aVolume())
        await deleteBackup(tenant, { id })
        return last(id, 'volumeBackup.delete')
      },
      async afterFailure(id, at) {
        expect(await stateOf(id), at).toBe(at.endsWith('after forget') ? undefined : 'error_deleting')
        await end(at)
      },
      afterSuccess: (_id, at) => end(at),
    })
  }, 60_000)

  test('of restoring to a volume that exists leaves it with the old or the new content, and the backup usable', async () => {
    await failEveryStep(world.deps, {
      action: 'volume.restore',
      async start() {
        const id = await aBackup(await aVolume({ imageId: world.imageId }))
        const volumeId = await aVolume({ sizeGib: 2 })
        await restoreBackup(tenant, { id, volumeId })
        expect([await volumeState(volumeId), await stateOf(id)]).toEqual(['restoring-backup', 'restoring'])
        return last(volumeId, 'volume.restore')
      },
      async afterFailure(volumeId, at) {
        const isDone = at.includes('fails after restore')
        expect(await volumeState(volumeId), at).toBe(isDone ? 'available' : 'error_restoring')
        const [backup] = await db().volumeBackup.findMany()
        expect(backup?.state, at).toBe('available')
        if (!isDone) await restoreBackup(tenant, { id: backup?.id ?? '', volumeId })
        await settle()
        expect(await volumeState(volumeId), at).toBe('available')
        await end(at)
      },
      async afterSuccess(volumeId, at) {
        expect(await getVolume(tenant, { id: volumeId }), at).toMatchObject({
          ...{ state: 'available', bootable: true, image: { id: world.imageId }, sizeGib: 2 },
        })
        expect(host().volumes.volumes.get(volumeId)?.base, at).toBe('a'.repeat(64))
        await end(at)
      },
    })
  }, 60_000)

  test('of restoring to a new volume leaves it available or in an error state, and the backup usable', async () => {
    await failEveryStep(world.deps, {
      action: 'volume.restore',
      async start() {
        const id = await aBackup(await aVolume())
        const { volumeId, volumeName } = await restoreBackup(tenant, { id })
        expect(volumeName).toBe('data')
        return last(volumeId, 'volume.restore')
      },
      async afterFailure(volumeId, at) {
        const isDone = at.includes('fails after restore')
        expect(await volumeState(volumeId), at).toBe(isDone ? 'available' : 'error_restoring')
        expect((await db().volumeBackup.findFirst())?.state, at).toBe('available')
        await end(at)
      },
      async afterSuccess(volumeId, at) {
        expect(await volumeState(volumeId), at).toBe('available')
        await end(at)
      },
    })
  }, 60_000)
})

test('a backup outlives its volume, is the source of new ones, and these boot as the volume did', async () => {
  const source = await aVolume({ sizeGib: 2, imageId: world.imageId })
  const id = await aBackup(source, { name: 'monday', metadata: { a: 'b' } })
  await deleteVolume(tenant, { id: source })
  await settle()
  expect((await getBackup(tenant, { id })).volume).toEqual({ id: source, name: null, lastName: 'data' })
  const wish = { backupId: id, name: 'again' }
  await expectCloudError(
    createVolume(tenant, volumeCreateInput.parse({ ...wish, sizeGib: 1 })),
    'invalid_input',
    /backup needs 2 GiB/,
  )
  await expectCloudError(
    createVolume(tenant, volumeCreateInput.parse({ ...wish, imageId: world.imageId })),
    'invalid_input',
    /one of them/,
  )
  const made = await createVolume(tenant, volumeCreateInput.parse(wish))
  const { volumeId: second } = await restoreBackup(tenant, { id, name: 'second' })
  expect([made.state, await volumeState(second), await stateOf(id)]).toEqual([
    ...['creating', 'restoring-backup', 'restoring'],
  ])
  await expectCloudError(deleteBackup(tenant, { id }), 'conflict', /being restored/)
  await expectCloudError(forceDeleteBackup(admin, { id }), 'conflict', /getting the content/)
  host().backups.failNext('restoreBackup', null)
  await settle()
  for (const one of [made.id, second]) {
    expect(await getVolume(tenant, { id: one })).toMatchObject({
      ...{ state: 'available', bootable: true, image: { id: world.imageId }, sizeGib: 2, backupId: id },
    })
    expect(host().volumes.volumes.get(one)?.base).toBe('a'.repeat(64))
  }
  expect(await stateOf(id)).toBe('available')
  const volumes = [{ from: { kind: 'backup', id }, boot: true, bootIndex: 0 }]
  const { instances } = await launchInstances(tenant, aLaunch(world, { volumes, imageId: undefined }))
  await settle()
  const attachment = await db().volumeAttachment.findFirstOrThrow({
    where: { instanceId: instances[0]?.id ?? '' },
  })
  expect(await volumeState(attachment.volumeId)).toBe('in-use')
  expect(await stateOf(id)).toBe('available')
  await db().volumeAttachment.deleteMany()
  await db().volume.update({ where: { id: attachment.volumeId }, data: { state: 'available' } })
  host().volumes.volumes.get(attachment.volumeId)?.guests.clear()
})

test('volumes and snapshots are in the state backing-up meanwhile, and nothing else is done to them', async () => {
  const id = await aVolume()
  const { instances } = await launchInstances(tenant, aLaunch(world))
  await settle()
  await attachVolume(tenant, { id: instances[0]?.id ?? '', volumeId: id })
  await settle()
  host().backups.failNext('ensureBackup', null)
  const { id: backupId } = await make(id)
  expect(await volumeState(id)).toBe('backing-up')
  await expectCloudError(make(id), 'conflict', /being backed up/)
  await expectCloudError(extendVolume(tenant, { id, sizeGib: 2 }), 'conflict', /being backed up/)
  await expectCloudError(resetVolume(admin, { id, to: 'in-use' }), 'conflict', /being backed up/)
  await settle()
  expect([await volumeState(id), await stateOf(backupId)]).toEqual(['in-use', 'available'])
  const snapshot = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
  await settle()
  const ofSnapshot = await make(id, { snapshotId: snapshot.id })
  const snapshotState = async () => (await getSnapshot(tenant, { id: snapshot.id })).state
  expect([await volumeState(id), await snapshotState()]).toEqual(['in-use', 'backing-up'])
  await expectCloudError(deleteSnapshot(tenant, { id: snapshot.id }), 'conflict', /being backed up/)
  await expectCloudError(
    deleteSnapshot(admin, { id: snapshot.id, force: true }),
    'conflict',
    /being backed up/,
  )
  await expectCloudError(
    resetSnapshot(admin, { id: snapshot.id, to: 'error' }),
    'conflict',
    /being backed up/,
  )
  await settle()
  expect(await snapshotState()).toBe('available')
  expect(await getBackup(tenant, { id: ofSnapshot.id })).toMatchObject({
    ...{ state: 'available', snapshotId: snapshot.id, dataTimestamp: snapshot.createdAt },
  })
  await expectCloudError(
    make(await aVolume(), { snapshotId: snapshot.id }),
    'invalid_input',
    /another volume/,
  )
})

test('an incremental backup builds on the newest one, which stays until it is made', async () => {
  const volumeId = await aVolume()
  await expectCloudError(make(volumeId, { incremental: true }), 'invalid_input', /^No backups available/)
  await aBackup(volumeId)
  const parentId = await aBackup(volumeId)
  const child = await make(volumeId, { incremental: true })
  expect(child.parentId).toBe(parentId)
  await expectCloudError(deleteBackup(tenant, { id: parentId }), 'conflict', /builds on this one/)
  await expectCloudError(forceDeleteBackup(admin, { id: parentId }), 'conflict', /builds on this one/)
  await settle()
  expect(await getBackup(tenant, { id: child.id })).toMatchObject({ state: 'available', storedBytes: 4096 })
  await deleteBackup(tenant, { id: parentId })
  await settle()
  expect(await stateOf(child.id)).toBe('available')
})

test('an earlier backup that the store has lost ends the incremental one with the way to go on', async () => {
  const volumeId = await aVolume()
  const lost = await aBackup(volumeId)
  const backups = host().backups.backups as Map<string, unknown>
  backups.delete(lost)
  const id = await aBackup(volumeId, { incremental: true })
  expect(await getBackup(tenant, { id })).toMatchObject({
    ...{ state: 'error', error: expect.stringMatching(/Make a full backup\.$/) },
  })
  const { volumeId: restored } = await restoreBackup(tenant, { id: lost })
  await settle()
  expect(await getVolume(tenant, { id: restored })).toMatchObject({
    ...{ state: 'error_restoring', error: 'The store does not have this backup any more.' },
  })
  const messages = await db().volumeMessage.findMany({ where: { resource: 'VOLUME_BACKUP' } })
  expect(messages.map(({ resourceId, action }) => [resourceId, action])).toEqual(
    expect.arrayContaining([
      [id, '013'],
      [lost, '015'],
    ]),
  )
})

test('a backup that is being made is stopped, by its members and by force, and leaves nothing', async () => {
  for (const stop of [
    (id: string) => cancelBackup(tenant, { id }),
    (id: string) => forceDeleteBackup(admin, { id }),
  ]) {
    const volumeId = await aVolume()
    host().backups.failNext('ensureBackup', null)
    const { id } = await make(volumeId)
    const { operationId } = await last(id, 'volumeBackup.create')
    expect(await runOperation(world.deps, operationId)).toBe('waiting')
    await expectCloudError(deleteBackup(tenant, { id }), 'conflict', /being made/)
    await stop(id)
    await settle()
    expect(await stateOf(id)).toBeUndefined()
    expect(host().backups.backups.has(id)).toBe(false)
    expect(await volumeState(volumeId)).toBe('available')
    const { operation } = db()
    expect(await operation.findUnique({ where: { id: operationId } })).toMatchObject({
      ...{ state: 'failed', errorMessage: 'The backup was stopped.' },
    })
  }
  await expectCloudError(cancelBackup(tenant, { id: await aBackup(await aVolume()) }), 'conflict', /stopped/)
})

test('a store that fails again and again is given up, and a host without a store says so', async () => {
  const volumeId = await aVolume()
  const { id } = await make(volumeId)
  const { operationId } = await last(id, 'volumeBackup.create')
  for (let n = 0; n < 5; n++) host().backups.failNext('ensureBackup', new DriverError('failed', 'bad disk'))
  for (let n = 0; n < 4; n++) expect(await runOperation(world.deps, operationId)).toBe('retrying')
  expect(await runOperation(world.deps, operationId)).toBe('over')
  expect((await getBackup(tenant, { id })).error).toMatch(/failed 5 times/)
  expect(await volumeState(volumeId)).toBe('available')
  host().backups.failNext('ensureBackup', new DriverError('unsupported', 'none'))
  const other = await aBackup(volumeId)
  expect((await getBackup(tenant, { id: other })).error).toMatch(/reaches no store of backups/)
})

test('a volume that is being restored can be deleted by force, and the backup is free again', async () => {
  const id = await aBackup(await aVolume())
  const { volumeId } = await restoreBackup(tenant, { id })
  await forceDeleteVolume(admin, { id: volumeId })
  await settle()
  expect(await db().volume.count({ where: { id: volumeId } })).toBe(0)
  expect(await stateOf(id)).toBe('available')
})

test('only an available volume that is large enough gets the content of a backup', async () => {
  const id = await aBackup(await aVolume({ sizeGib: 2 }))
  const small = await aVolume()
  await expectCloudError(restoreBackup(tenant, { id, volumeId: small }), 'invalid_input', /needs 2 GiB/)
  const used = await aVolume({ sizeGib: 2 })
  await db().volume.update({ where: { id: used }, data: { state: 'in-use' } })
  await expectCloudError(restoreBackup(tenant, { id, volumeId: used }), 'conflict', /Detach it first/)
  await db().volume.update({ where: { id: used }, data: { state: 'available' } })
  const stranger = await testCtx(world.deps)
  await expectCloudError(restoreBackup(stranger, { id }), 'not_found')
  await expectCloudError(restoreBackup(stranger, { id, volumeId: used }), 'not_found')
  await expectCloudError(createVolume(stranger, volumeCreateInput.parse({ backupId: id })), 'not_found')
})

test('a snapshot or a copy that is being made of the volume has its turn before the volume gets the content', async () => {
  const volumeId = await aVolume()
  const id = await aBackup(volumeId)
  await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId }))
  await expectCloudError(restoreBackup(tenant, { id, volumeId }), 'conflict', /snapshot.*is being made/)
  await settle()
  await createVolume(tenant, volumeCreateInput.parse({ sourceVolumeId: volumeId }))
  await expectCloudError(restoreBackup(tenant, { id, volumeId }), 'conflict', /copy of this volume/)
  await settle()
  await restoreBackup(tenant, { id, volumeId })
  await settle()
  expect(await volumeState(volumeId)).toBe('available')
})

test('only what has changed is offered where the store has an earlier backup', async () => {
  const volumeId = await aVolume()
  const plan = (ctx: Ctx = tenant) => planBackup(ctx, { volumeId })
  expect(await plan()).toEqual({ incremental: false })
  const id = await aBackup(volumeId)
  expect(await plan()).toEqual({ incremental: true })
  await db().volumeBackup.update({ where: { id }, data: { store: 'elsewhere' } })
  expect(await plan()).toEqual({ incremental: false })
  await expectCloudError(plan(await testCtx(world.deps)), 'not_found')
  await db().volumeBackup.update({ where: { id }, data: { store: 'local' } })
})

test('changes and deletion are for members, and those of stuck backups for administrators', async () => {
  const id = await aBackup(await aVolume())
  const reader = await testCtx(world.deps, { role: 'reader', projectId: tenant.projectId })
  const stranger = await testCtx(world.deps)
  for (const act of [
    (ctx: Ctx) => updateBackup(ctx, { id, name: 'x' }),
    (ctx: Ctx) => restoreBackup(ctx, { id }),
    (ctx: Ctx) => deleteBackup(ctx, { id }),
  ]) {
    await expectCloudError(act(reader), 'forbidden')
    await expectCloudError(act(stranger), 'not_found')
  }
  expect((await listBackups(stranger, backupListInput.parse({}))).items).toEqual([])
  await updateBackup(tenant, { id, name: 'renamed', description: 'why', metadata: { a: 'b' } })
  expect(await getBackup(reader, { id })).toMatchObject({
    ...{ name: 'renamed', description: 'why', metadata: { a: 'b' } },
  })
  await expectCloudError(resetBackup(tenant, { id, to: 'error' }), 'forbidden')
  await resetBackup(admin, { id, to: 'error' })
  expect((await getBackup(tenant, { id })).error).toBe('An administrator has set this state.')
  await resetBackup(admin, { id, to: 'available' })
  await expectCloudError(forceDeleteBackup(tenant, { id }), 'forbidden')
})

test('a deleted backup waits, counts, can be taken back, and goes when its time is over', async () => {
  const id = await aBackup(await aVolume(), { name: 'kept' })
  const before = await getBackup(tenant, { id })
  const counted = await accounts(world, tenant.projectId)
  const trashed = async () =>
    (await listBackupTrash(tenant, backupTrashInput.parse({}))).items.map((one) => one.id)
  world.deps.config.takeBackMs = 600_000
  try {
    const { takeBackUntil } = await deleteBackup(tenant, { id })
    expect(Date.parse(takeBackUntil ?? '') - Date.now()).toBeGreaterThan(590_000)
    await expectCloudError(getBackup(tenant, { id }), 'not_found')
    await expectCloudError(restoreBackup(tenant, { id }), 'not_found')
    expect([await trashed(), await accounts(world, tenant.projectId)]).toEqual([[id], counted])
    await takeBackBackup(tenant, { id })
    expect(await getBackup(tenant, { id })).toEqual(before)
    await deleteBackup(tenant, { id })
    await endBackup(tenant, { id })
    await settle()
    expect(await stateOf(id)).toBeUndefined()
    const second = await aBackup(await aVolume())
    await deleteBackup(tenant, { id: second })
    await trashReconciler([backupTrash]).run(world.system)
    expect(await stateOf(second)).toBe('available')
    await db().volumeBackup.update({ where: { id: second }, data: { trashedUntil: new Date(0) } })
    await expectCloudError(takeBackBackup(tenant, { id: second }), 'not_found')
    await trashReconciler([backupTrash]).run(world.system)
    await settle()
    expect(await stateOf(second)).toBeUndefined()
  } finally {
    world.deps.config.takeBackMs = 0
  }
})

test('a silent host loses no backup: it is made when the host answers again', async () => {
  const volumeId = await aVolume()
  const { id } = await make(volumeId)
  const { operationId } = await last(id, 'volumeBackup.create')
  world.faults.set('a', 'refuses')
  try {
    expect(await runOperation(world.deps, operationId)).toBe('retrying')
    expect([await stateOf(id), await volumeState(volumeId)]).toEqual(['creating', 'backing-up'])
  } finally {
    world.faults.delete('a')
  }
  await settle()
  expect([await stateOf(id), await volumeState(volumeId)]).toEqual(['available', 'available'])
})

test('the deletion of a backup lets Ceph forget the snapshot that was kept for the next one', async () => {
  const removal = vi.spyOn(host().backups, 'removeBackup')
  const id = await aBackup(await aVolume())
  await db().volumePool.updateMany({ data: { driver: 'rbd' } })
  await forceDeleteBackup(admin, { id })
  await settle()
  await db().volumePool.updateMany({ data: { driver: 'files' } })
  expect(removal.mock.lastCall?.[1]).toMatchObject({ id, pool: { id: 'local' } })
  const other = await aBackup(await aVolume())
  await forceDeleteBackup(admin, { id: other })
  await settle()
  expect(removal.mock.lastCall?.[1]).toMatchObject({ id: other, pool: null })
})
