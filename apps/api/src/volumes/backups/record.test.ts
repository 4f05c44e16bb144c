import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { accounts, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, failEveryStep, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import {
  cancelBackup,
  createBackup,
  createVolume,
  deleteBackup,
  forceDeleteBackup,
  getBackup,
  getVolume,
} from '../service.ts'
import { backupCreateInput } from './contract.ts'
import { exportBackup, importBackup } from './record.ts'
import { restoreBackup } from './restore.ts'

let world: World
let tenant: Ctx & { projectId: string }
let admin: Ctx & { projectId: string }
let volumeId: string
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin' })
  volumeId = (await createVolume(tenant, volumeCreateInput.parse({ name: 'data', sizeGib: 1 }))).id
  await runPending(world.deps)
})
afterAll(() => world.close())

const db = () => world.deps.root
const host = () => {
  const found = world.hosts.get('a')
  if (!found) throw new Error('there is no host')
  return found
}
const isStored = (id: string) => host().backups.backups.has(id)
/** Runs what is pending while the folder of the store is not mounted yet. */
async function runWithoutStore(): Promise<void> {
  const missing = vi.spyOn(host().backups, 'getBackup').mockResolvedValue(null)
  await runPending(world.deps)
  missing.mockRestore()
}
const importsOf = async (projectId: string) => (await accounts(world, projectId)).volumeBackups ?? 0

/** The record of a backup whose row is lost. */
async function aRecord(): Promise<string> {
  const { id } = await createBackup(tenant, backupCreateInput.parse({ volumeId, name: 'monday' }))
  await runPending(world.deps)
  const record = await exportBackup(tenant, { id })
  await db().volumeBackup.delete({ where: { id } })
  return record
}

test('a failure or crash of an import leaves the backup available, or in an error state that can be deleted', async () => {
  await failEveryStep(world.deps, {
    action: 'volumeBackup.import',
    async start() {
      const { id } = await importBackup(admin, { record: await aRecord() })
      const { id: operationId } = await db().operation.findFirstOrThrow({
        where: { resourceId: id, action: 'volumeBackup.import' },
      })
      return { operationId, resourceId: id }
    },
    async afterFailure(id, at) {
      const isThere = at.includes('fails after')
      expect((await getBackup(admin, { id })).state, at).toBe(isThere ? 'available' : 'error')
      await forceDeleteBackup(admin, { id })
      await runPending(world.deps)
      expect((await accounts(world, admin.projectId)).volumeBackups ?? 0, at).toBe(0)
    },
    async afterSuccess(id, at) {
      expect(await getBackup(admin, { id }), at).toMatchObject({
        ...{ state: 'available', name: 'monday', projectId: admin.projectId, chunks: 8 },
      })
      await forceDeleteBackup(admin, { id })
      await runPending(world.deps)
    },
  })
}, 60_000)

test('a record of another backup of the same id is refused when the store is asked', async () => {
  const { id } = await importBackup(admin, { record: await aRecord() })
  const known = world.hosts.get('a')?.backups.backups.get(id) as { checksum: string } | undefined
  if (known) known.checksum = 'f'.repeat(64)
  await runPending(world.deps)
  expect((await getBackup(admin, { id })).error).toMatch(/another backup of this id/)
  await expectCloudError(importBackup(tenant, { record: 'x' }), 'forbidden')
})

test('a backup that its store has not confirmed keeps its data when its row is deleted or its import stopped', async () => {
  const record = await aRecord()
  const { id } = await importBackup(admin, { record })
  await cancelBackup(admin, { id })
  await runPending(world.deps)
  expect(isStored(id)).toBe(true)

  await importBackup(admin, { record })
  await runWithoutStore()
  expect((await getBackup(admin, { id })).error).toMatch(/does not have this backup/)
  await deleteBackup(admin, { id })
  await runPending(world.deps)
  expect(isStored(id)).toBe(true)

  await importBackup(admin, { record })
  await runPending(world.deps)
  const restored = await restoreBackup(admin, { id })
  await runPending(world.deps)
  expect(await getVolume(admin, { id: restored.volumeId })).toMatchObject({ state: 'available' })
  await forceDeleteBackup(admin, { id })
  await runPending(world.deps)
  expect(isStored(id)).toBe(false)
})

test('a record whose import has failed is imported again, and counts once', async () => {
  const record = await aRecord()
  const { id } = await importBackup(admin, { record })
  await expectCloudError(importBackup(admin, { record }), 'conflict', /known already/)
  await runWithoutStore()
  expect((await getBackup(admin, { id })).state).toBe('error')
  const before = await importsOf(admin.projectId)
  // The end of the first import may be written and its operation not be over: the next one would become its victim.
  const { id: operationId } = await db().operation.findFirstOrThrow({ where: { resourceId: id } })
  await db().operation.update({ where: { id: operationId }, data: { state: 'undoing' } })
  await expectCloudError(importBackup(admin, { record }), 'conflict', /known already/)
  await db().operation.update({ where: { id: operationId }, data: { state: 'failed' } })
  await importBackup(admin, { record })
  await runPending(world.deps)
  expect((await getBackup(admin, { id })).state).toBe('available')
  expect(await importsOf(admin.projectId)).toBe(before)
  await expectCloudError(importBackup(admin, { record }), 'conflict', /known already/)
})
