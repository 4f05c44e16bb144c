import { expect, test } from 'vitest'
import { testTenant, testWorld } from '../../compute/testing.ts'
import { runPending } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createBackup, createVolume, getBackup } from '../service.ts'
import { backupCreateInput } from './contract.ts'

test('a backup is of the time at which the host begins, which may be long after the click', async () => {
  const world = await testWorld(['a'])
  try {
    const tenant = await testTenant(world)
    const volume = await createVolume(tenant, volumeCreateInput.parse({ name: 'data', sizeGib: 1 }))
    await runPending(world.deps)
    const { id } = await createBackup(tenant, backupCreateInput.parse({ volumeId: volume.id }))
    const asked = new Date(Date.now() - 600_000)
    const data = { createdAt: asked, dataTimestamp: asked }
    await world.deps.root.volumeBackup.update({ where: { id }, data })
    await runPending(world.deps)
    const backup = await getBackup(tenant, { id })
    expect(backup).toMatchObject({ state: 'available', createdAt: asked.toISOString() })
    expect(Date.parse(backup.dataTimestamp) - asked.getTime()).toBeGreaterThan(590_000)
  } finally {
    await world.close()
  }
})
