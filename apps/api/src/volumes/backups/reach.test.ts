import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createBackup, createVolume, deleteBackup, getBackup, getVolume, planBackup } from '../service.ts'
import { backupCreateInput } from './contract.ts'
import { backupReach } from './reach.ts'
import { exportBackup, importBackup } from './record.ts'
import { restoreBackup } from './restore.ts'
import { listStores } from './stores.ts'

let world: World
let tenant: Ctx & { projectId: string }
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a', 'b', 'c'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
  for (const [name, zone] of Object.entries({ a: 'nova', b: 'z2', c: 'z3' }))
    await db().host.update({ where: { name: `secret-name-${name}` }, data: { zone } })
  // The hosts a and b have mounted one folder.
  host('b').backups.mount(host('a').backups)
})
afterAll(() => world.close())

const db = () => world.deps.root
const host = (name: string) => {
  const found = world.hosts.get(name)
  if (!found) throw new Error('the host is gone')
  return found
}
const settle = () => runPending(world.deps)
async function aVolume(zone: string): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, zone }))
  await settle()
  return id
}
async function aBackup(volumeId: string, patch: object = {}): Promise<string> {
  const { id } = await createBackup(tenant, backupCreateInput.parse({ volumeId, ...patch }))
  await settle()
  return id
}
const volumeState = async (id: string) => (await getVolume(tenant, { id })).state

test('each host that has mounted the folder of a store restores, continues and removes its backups', async () => {
  const volumeId = await aVolume('nova')
  const there = await aVolume('z2')
  const apart = await aVolume('z3')
  const id = await aBackup(volumeId)
  const restore = (to: string) => restoreBackup(tenant, { id, volumeId: to })
  // Nobody has told yet that it is one folder.
  await expectCloudError(restore(there), 'conflict', /no machine with the store/)
  await backupReach.run(world.system)
  await restore(there)
  await settle()
  expect(await volumeState(there)).toBe('available')
  await expectCloudError(restore(apart), 'conflict', /no machine with the store/)
  const made = await createVolume(tenant, volumeCreateInput.parse({ backupId: id, zone: 'z2' }))
  await settle()
  expect(await volumeState(made.id)).toBe('available')
  expect(host('b').volumes.volumes.has(made.id)).toBe(true)

  // The volume comes to the other host: there a backup builds on the earlier one.
  const { poolId } = await db().volume.findUniqueOrThrow({ where: { id: there } })
  await db().volume.update({ where: { id: volumeId }, data: { poolId } })
  await host('b').volumes.ensureVolume(world.deps as never, {
    ...{ id: volumeId, pool: { driver: 'files', id: 'local' }, sizeGib: 1, source: null },
  })
  expect(await planBackup(tenant, { volumeId })).toEqual({ incremental: true })
  const second = await aBackup(volumeId, { incremental: true })
  expect(await getBackup(tenant, { id: second })).toMatchObject({ state: 'available', parentId: id })

  // The first host is off: the other one answers for its backups.
  const record = await exportBackup(tenant, { id })
  await db().host.update({ where: { name: 'secret-name-a' }, data: { state: 'fenced' } })
  await restore(there)
  await settle()
  expect(await volumeState(there)).toBe('available')
  await db().volumeBackup.delete({ where: { id } })
  await importBackup(admin, { record })
  await settle()
  expect((await getBackup(tenant, { id })).state).toBe('available')
  await deleteBackup(tenant, { id })
  await settle()
  expect(await db().volumeBackup.count({ where: { id } })).toBe(0)
  expect(host('b').backups.backups.has(id)).toBe(false)
  await db().host.update({ where: { name: 'secret-name-a' }, data: { state: 'up' } })

  const stores = await listStores(admin)
  expect(stores.map(({ backups, sharedWith }) => ({ backups, sharedWith }))).toEqual([
    { backups: 1, sharedWith: ['secret-name-b'] },
    { backups: 1, sharedWith: ['secret-name-a'] },
    { backups: 0, sharedWith: [] },
  ])
})

test('a host that uses another folder from now on is not asked for what lies in the first one', async () => {
  const volumeId = await aVolume('nova')
  const id = await aBackup(volumeId)
  host('a').backups.mount(host('c').backups)
  await backupReach.run(world.system)
  await expectCloudError(restoreBackup(tenant, { id, volumeId }), 'conflict', /no machine with the store/)
  expect(await planBackup(tenant, { volumeId })).toEqual({ incremental: false })
})
