import { afterAll, beforeAll, expect, test } from 'vitest'
import { accounts, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, failEveryStep, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createBackup, createVolume, forceDeleteBackup, getBackup } from '../service.ts'
import { backupCreateInput } from './contract.ts'
import { exportBackup, importBackup } from './record.ts'

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
