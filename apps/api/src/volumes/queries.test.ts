import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { runPending, testCtx } from '../kernel/testing.ts'
import { operationListInput } from '../operations/contract.ts'
import { listOperations } from '../operations/service.ts'
import { backupCreateInput, backupListInput } from './backups/contract.ts'
import { volumeCreateInput, volumeListInput } from './contract.ts'
import {
  createBackup,
  createSnapshot,
  createVolume,
  listBackups,
  listSnapshots,
  listVolumes,
} from './service.ts'
import { snapshotCreateInput, snapshotListInput } from './snapshots/contract.ts'

/** What the lists of volumes, snapshots and backups can be asked for. */
let world: World
let tenant: Ctx & { projectId: string }
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
})
afterAll(() => world.close())

const db = () => world.deps.root
async function aVolume(ctx: Ctx, name: string): Promise<string> {
  const { id } = await createVolume(ctx, volumeCreateInput.parse({ name, sizeGib: 1 }))
  await runPending(world.deps)
  return id
}

test('volumes are found together whatever it was that has failed', async () => {
  await aVolume(tenant, 'whole')
  for (const state of ['error', 'error_extending', 'error_restoring', 'error_deleting'])
    await db().volume.update({ where: { id: await aVolume(tenant, state) }, data: { state } })
  const { items } = await listVolumes(tenant, volumeListInput.parse({ state: 'failed', sort: 'name' }))
  expect(items.map(({ name }) => name).toSorted()).toEqual([
    ...['error', 'error_deleting', 'error_extending', 'error_restoring'],
  ])
})

test('an administrator finds the volumes of one project among those of all, and nobody else those of another', async () => {
  const other = await testTenant(world)
  const theirs = await aVolume(other, 'theirs')
  const admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  const of = async (ctx: Ctx, ask: object) =>
    (await listVolumes(ctx, volumeListInput.parse(ask))).items.map(({ id }) => id)
  expect(await of(admin, { allProjects: true, projectId: other.projectId })).toEqual([theirs])
  expect(await of(tenant, { projectId: other.projectId })).toEqual([])
})

test('snapshots and backups of volumes with a system are found, however many others there are', async () => {
  const volumeId = await aVolume(tenant, 'kept')
  const [plain, system] = [false, true]
  for (const bootable of [plain, system]) {
    await db().volume.update({ where: { id: volumeId }, data: { bootable } })
    await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId, name: `snapshot ${bootable}` }))
    await runPending(world.deps)
    await createBackup(tenant, backupCreateInput.parse({ volumeId, name: `backup ${bootable}` }))
    await runPending(world.deps)
  }
  const ask = { state: 'available', bootable: true }
  const snapshots = (await listSnapshots(tenant, snapshotListInput.parse(ask))).items
  const backups = (await listBackups(tenant, backupListInput.parse(ask))).items
  expect([...snapshots, ...backups].map(({ name }) => name)).toEqual(['snapshot true', 'backup true'])
})

test('the history of a volume has what was done with it elsewhere: snapshots and backups', async () => {
  const volume = await aVolume(tenant, 'told')
  const other = await aVolume(tenant, 'another')
  for (const volumeId of [volume, other]) {
    await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId, name: 'kept' }))
    await createBackup(tenant, backupCreateInput.parse({ volumeId, name: 'saved' }))
    await runPending(world.deps)
  }
  const { items } = await listOperations(tenant, operationListInput.parse({ resourceId: volume }))
  expect(items.map(({ action }) => action).toSorted()).toEqual([
    ...['volume.create', 'volumeBackup.create', 'volumeSnapshot.create'],
  ])
})
