import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createBackup, createVolume } from '../service.ts'
import { backupCreateInput } from './contract.ts'
import { listStores } from './stores.ts'

let world: World
let tenant: Ctx
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
})
afterAll(() => world.close())

test('administrators see how full the store of each machine is, and how many backups lie there', async () => {
  const admin = await testCtx(world.deps, { role: 'admin' })
  const { id: volumeId } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }))
  await runPending(world.deps)
  await createBackup(tenant, backupCreateInput.parse({ volumeId }))
  await runPending(world.deps)
  await expectCloudError(listStores(tenant), 'forbidden')
  const store = { host: { name: 'secret-name-a' }, backups: 1, sharesDisk: true, problem: null }
  expect(await listStores(admin)).toMatchObject([store])
  world.hosts.get('a')?.backups.failNext('probeStore', new DriverError('unsupported', 'There is no folder.'))
  expect(await listStores(admin)).toMatchObject([{ totalBytes: null, problem: 'There is no folder.' }])
})
