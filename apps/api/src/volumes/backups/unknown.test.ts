import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { accounts, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, failEveryStep, hexId, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createBackup, createVolume, getBackup } from '../service.ts'
import { backupCreateInput } from './contract.ts'
import { backupReach } from './reach.ts'
import { importStoredBackup, listUnknownBackups, removeStoredBackup } from './unknown.ts'

let world: World
let tenant: Ctx & { projectId: string }
let admin: Ctx & { projectId: string }
let volumeId: string
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin' })
  // Rows are lost here without giving their quota back.
  const unlimited = { projectId: tenant.projectId, resource: 'volumeBackups', limit: -1 }
  await db().quotaLimit.create({ data: unlimited })
  volumeId = (await createVolume(tenant, volumeCreateInput.parse({ name: 'data', sizeGib: 1 }))).id
  await runPending(world.deps)
})
afterAll(() => world.close())
beforeEach(async () => {
  await db().volumeBackup.deleteMany()
  for (const { backups } of world.hosts.values()) for (const { id } of backups.backups.values()) forget(id)
})

const db = () => world.deps.root
const forget = (id: string) => {
  for (const { backups } of world.hosts.values()) (backups.backups as Map<string, unknown>).delete(id)
}
const isStored = (id: string) => [...world.hosts.values()].some(({ backups }) => backups.backups.has(id))
/** A backup in a store whose row is lost. */
async function lost(): Promise<{ id: string; volumeId: string; hostId: string }> {
  const { id } = await createBackup(tenant, backupCreateInput.parse({ volumeId, name: 'monday' }))
  await runPending(world.deps)
  const { hostId } = await db().volumeBackup.delete({ where: { id } })
  await db().volume.update({ where: { id: volumeId }, data: { state: 'available' } })
  return { id, volumeId, hostId }
}
const recordOf = (id: string) => {
  const found = [...world.hosts.values()].flatMap(({ backups }) => backups.backups.get(id) ?? [])[0]
  return found as { record: string | null }
}

test('backups without a row are told with what their records say, and those with a row are not', async () => {
  const { id: known } = await createBackup(tenant, backupCreateInput.parse({ volumeId }))
  await runPending(world.deps)
  expect(await listUnknownBackups(admin)).toEqual({ total: 0, items: [], silent: [] })
  const { id, hostId } = await lost()
  const { total, items, silent } = await listUnknownBackups(admin)
  expect({ total, silent }).toEqual({ total: 1, silent: [] })
  expect(items).toEqual([
    {
      ...{ id, volumeId, host: { id: hostId, name: expect.any(String) }, problem: null },
      ...{ name: 'monday', volumeName: 'data', projectId: tenant.projectId, sizeBytes: 1024 ** 3 },
      ...{ storedBytes: expect.any(Number), dataTimestamp: expect.any(String) },
    },
  ])
  expect(isStored(known)).toBe(true)
  await expectCloudError(listUnknownBackups(tenant), 'forbidden')
})

test('one of the machines that share a store is asked, and a silent one is told', async () => {
  const [a, b] = [world.hosts.get('a'), world.hosts.get('b')]
  if (!a || !b) throw new Error('there are no hosts')
  b.backups.failNext('listBackups', new DriverError('unavailable', 'away'))
  const { silent } = await listUnknownBackups(admin)
  expect(silent).toEqual([
    { host: { id: expect.any(String), name: 'secret-name-b' }, problem: expect.any(String) },
  ])
  b.backups.mount(a.backups)
  await backupReach.run(world.system)
  await lost()
  const asked = [a, b].map(({ backups }) => vi.spyOn(backups, 'listBackups'))
  expect((await listUnknownBackups(admin)).total).toBe(1)
  expect(asked.flatMap(({ mock }) => mock.calls)).toHaveLength(1)
})

test('an import gives the backup back to its project, or to the one that is named, and counts it there', async () => {
  const of = await lost()
  const before = (await accounts(world, tenant.projectId)).volumeBackups ?? 0
  const made = await importStoredBackup(admin, of)
  await expectCloudError(importStoredBackup(admin, of), 'conflict', /known already/)
  await runPending(world.deps)
  expect(made).toMatchObject({ projectId: tenant.projectId, name: 'monday', state: 'creating' })
  expect(await getBackup(tenant, { id: of.id })).toMatchObject({ state: 'available', chunks: 8 })
  expect((await accounts(world, tenant.projectId)).volumeBackups).toBe(before + 1)
  await expectCloudError(removeStoredBackup(admin, of), 'conflict', /knows this backup/)

  const other = await lost()
  const { projectId } = await importStoredBackup(admin, { ...other, projectId: admin.projectId })
  expect(projectId).toBe(admin.projectId)
  await expectCloudError(importStoredBackup(tenant, other), 'forbidden')
})

test('a backup without a record of its own that this cloud can open is not imported', async () => {
  const of = await lost()
  const another = await lost()
  const record = recordOf(of.id)
  const right = record.record
  for (const [text, words] of [
    [null, /no record beside it/],
    ['nonsense', /Another cloud/],
    [recordOf(another.id).record, /another backup/],
  ] as const) {
    record.record = text
    await expectCloudError(importStoredBackup(admin, of), 'conflict', words)
    const { items } = await listUnknownBackups(admin)
    expect(items.find(({ id }) => id === of.id)).toMatchObject({
      problem: expect.stringMatching(words),
      name: '',
    })
  }
  record.record = right
  await expectCloudError(importStoredBackup(admin, { ...of, projectId: hexId() }), 'invalid_input', /is gone/)
})

test('a backup without a row is removed when an administrator asks, unless somebody imports it first', async () => {
  const of = await lost()
  await expectCloudError(removeStoredBackup(tenant, of), 'forbidden')
  await removeStoredBackup(admin, of)
  await expectCloudError(removeStoredBackup(admin, of), 'conflict', /being removed already/)
  await expectCloudError(importStoredBackup(admin, of), 'conflict', /being removed from its store/)
  expect(isStored(of.id)).toBe(true)
  await runPending(world.deps)
  expect(isStored(of.id)).toBe(false)

  const late = await lost()
  await removeStoredBackup(admin, late)
  const row = {
    projectId: tenant.projectId,
    userId: 'u',
    name: 'n',
    sizeGib: 1,
    store: 'local',
    zone: 'nova',
  }
  await db().volumeBackup.create({ data: { ...row, ...late, state: 'available' } })
  await runPending(world.deps)
  expect(isStored(late.id)).toBe(true)
})

test('a failure or crash of a removal removes the backup, or leaves it where the list shows it', async () => {
  await failEveryStep(world.deps, {
    action: 'volumeBackup.remove_stored',
    async start() {
      const of = await lost()
      await removeStoredBackup(admin, of)
      const where = { resourceId: of.id, action: 'volumeBackup.remove_stored' }
      const { id: operationId } = await db().operation.findFirstOrThrow({ where })
      return { operationId, resourceId: of.id }
    },
    async afterFailure(id, at) {
      expect(isStored(id), at).toBe(!at.includes('fails after'))
      forget(id)
    },
    async afterSuccess(id, at) {
      expect(isStored(id), at).toBe(false)
    },
  })
}, 60_000)

test('a backup is available although its record could not be written', async () => {
  for (const { backups } of world.hosts.values())
    backups.failNext('keepRecord', new DriverError('no_space', 'full'))
  const { id } = await createBackup(tenant, backupCreateInput.parse({ volumeId }))
  await runPending(world.deps)
  expect(await getBackup(tenant, { id })).toMatchObject({ state: 'available' })
  const operation = await db().operation.findFirstOrThrow({ where: { resourceId: id } })
  expect(operation.state).toBe('succeeded')
})
