import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../kernel/testing.ts'
import { backupCreateInput } from './backups/contract.ts'
import { restoreBackup } from './backups/restore.ts'
import { volumeCreateInput } from './contract.ts'
import { reimageVolume } from './images/service.ts'
import {
  createBackup,
  createSnapshot,
  createVolume,
  deleteVolume,
  extendVolume,
  getVolume,
  resetVolume,
  revertVolume,
  useVolumeAsIs,
} from './service.ts'
import { snapshotCreateInput } from './snapshots/contract.ts'

let world: World
let tenant: Ctx & { projectId: string }
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
})
afterAll(() => world.close())

const host = () => {
  const found = world.hosts.get('a')
  if (!found) throw new Error('the host is gone')
  return found
}
const refusal = () => new DriverError('invalid', 'refused')
const settle = () => runPending(world.deps)
async function aVolume(): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }))
  await settle()
  return id
}
async function aBackup(volumeId: string): Promise<string> {
  const { id } = await createBackup(tenant, backupCreateInput.parse({ volumeId }))
  await settle()
  return id
}
async function aSnapshot(volumeId: string): Promise<string> {
  const { id } = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId }))
  await settle()
  return id
}
const view = (id: string) => getVolume(tenant, { id })

/** Each begins an operation on a volume whose host refuses it. */
const failures: [name: string, state: string, begin: (id: string) => Promise<unknown>][] = [
  [
    'a restore',
    'error_restoring',
    async (volumeId) => {
      const id = await aBackup(volumeId)
      host().backups.failNext('restoreBackup', refusal())
      await restoreBackup(tenant, { id, volumeId })
    },
  ],
  [
    'a return to a snapshot',
    'error',
    async (id) => {
      const snapshotId = await aSnapshot(id)
      host().volumes.failNext('revertVolume', refusal())
      await revertVolume(tenant, { id, snapshotId })
    },
  ],
  [
    'an image',
    'error',
    (id) => {
      host().volumes.failNext('reimageVolume', refusal())
      return reimageVolume(tenant, { id, imageId: world.imageId })
    },
  ],
  [
    'a growth',
    'error_extending',
    (id) => {
      host().volumes.failNext('growVolume', refusal())
      return extendVolume(tenant, { id, sizeGib: 2 })
    },
  ],
]

test.each(failures)(
  'after %s that has failed the volume can be used as it is',
  async (_name, state, begin) => {
    const id = await aVolume()
    await begin(id)
    await settle()
    expect(await view(id)).toMatchObject({ state, isWhole: true, error: expect.any(String) })
    const reader = await testCtx(world.deps, { role: 'reader', projectId: tenant.projectId })
    await expectCloudError(useVolumeAsIs(reader, { id }), 'forbidden')
    expect(await useVolumeAsIs(tenant, { id })).toMatchObject({
      ...{ state: 'available', isWhole: false, error: null, backupId: null, sizeGib: 1 },
    })
    await expectCloudError(useVolumeAsIs(tenant, { id }), 'conflict', /this one is available/)
  },
)

test('a volume of which nobody knows whether it is whole is not used as it is', async () => {
  host().volumes.failNext('ensureVolume', refusal())
  const empty = await aVolume()
  expect(await view(empty)).toMatchObject({ state: 'error', isWhole: false })
  await expectCloudError(useVolumeAsIs(tenant, { id: empty }), 'conflict', /An administrator can/)

  const id = await aVolume()
  const backup = await aBackup(id)
  host().backups.failNext('restoreBackup', refusal())
  const made = await restoreBackup(tenant, { id: backup })
  await settle()
  expect(await view(made.volumeId)).toMatchObject({ state: 'error_restoring', isWhole: false })

  // Ceph writes the content of a snapshot over that of the volume.
  const snapshotId = await aSnapshot(id)
  const inCeph = (driver: 'rbd' | 'files') => world.deps.root.volumePool.updateMany({ data: { driver } })
  await inCeph('rbd')
  host().volumes.failNext('revertVolume', refusal())
  await revertVolume(tenant, { id, snapshotId })
  await settle()
  await inCeph('files')
  const failed = await view(id)
  expect(failed).toMatchObject({ state: 'error', isWhole: false })
  expect(failed.error).toMatch(/A part of the volume may have the content of the snapshot/)
})

test('what is known of a content is forgotten when the state has another reason', async () => {
  const id = await aVolume()
  host().volumes.failNext('reimageVolume', refusal())
  await reimageVolume(tenant, { id, imageId: world.imageId })
  await settle()
  expect((await view(id)).isWhole).toBe(true)
  await resetVolume(admin, { id, to: 'error' })
  expect((await view(id)).isWhole).toBe(false)
  await world.deps.root.volume.update({ where: { id }, data: { isWhole: true } })
  host().volumes.failNext('removeVolume', refusal())
  await deleteVolume(tenant, { id })
  await settle()
  expect(await view(id)).toMatchObject({ state: 'error_deleting', isWhole: false })
})
