import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../../../compute/testing.ts'
import type { Ctx } from '../../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../../kernel/testing.ts'
import { volumeCreateInput } from '../../contract.ts'
import {
  acceptTransfer,
  createBackup,
  createTransfer,
  createVolume,
  deleteVolume,
  listBackups,
} from '../../service.ts'
import { transferCreateInput } from '../../transfers/contract.ts'
import { backupCreateInput, backupListInput } from '../contract.ts'
import { scheduleSetInput } from './contract.ts'
import { backupSchedules } from './reconcile.ts'
import { getSchedule, removeSchedule, setSchedule } from './service.ts'

let world: World
let tenant: Ctx & { projectId: string }
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  for (const resource of ['volumeBackups', 'volumes'])
    await world.deps.root.quotaLimit.create({ data: { projectId: tenant.projectId, resource, limit: -1 } })
})
beforeEach(() => world.deps.root.volumeBackupSchedule.deleteMany())
afterAll(() => world.close())

const db = () => world.deps.root
async function aVolume(): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ name: 'data', sizeGib: 1 }))
  await runPending(world.deps)
  return id
}
const set = (volumeId: string, patch: object = {}, ctx: Ctx = tenant) =>
  setSchedule(ctx, scheduleSetInput.parse({ volumeId, every: 'hours', hours: 6, keep: 2, ...patch }))
/** Lets the schedule be due, and runs the reconciler in two workers at once. */
async function round(volumeId?: string): Promise<void> {
  const past = new Date(Date.now() - 20 * 3_600_000)
  if (volumeId) await db().volumeBackupSchedule.updateMany({ where: { volumeId }, data: { nextAt: past } })
  await Promise.all([backupSchedules.run(world.system), backupSchedules.run(world.system)])
  await runPending(world.deps)
}
const backupsOf = async (volumeId: string) =>
  (await listBackups(tenant, backupListInput.parse({ volumeId }))).items

test('a due backup begins once, full at first and incremental then, in the name of whoever has set the schedule', async () => {
  const volumeId = await aVolume()
  await set(volumeId)
  await round()
  const [first] = await backupsOf(volumeId)
  expect(first).toMatchObject({ state: 'available', parentId: null, userId: tenant.actor.userId })
  const told = await getSchedule(tenant, { volumeId })
  expect(told).toMatchObject({ keep: 2, last: { id: first?.id, state: 'available' }, lastFailure: null })
  expect(Date.parse(told?.nextAt ?? '')).toBeGreaterThan(Date.now())
  await round()
  expect(await backupsOf(volumeId)).toHaveLength(1)
  // Three times were missed while the cloud was off.
  await round(volumeId)
  const all = await backupsOf(volumeId)
  expect(all.map(({ parentId }) => parentId)).toEqual([first?.id, null])
  expect(all.every(({ scheduleId }) => scheduleId === told?.id)).toBe(true)
})

test('only its own backups that are too many go, at once and without the trash', async () => {
  const volumeId = await aVolume()
  const { id: mine } = await createBackup(tenant, backupCreateInput.parse({ volumeId }))
  await runPending(world.deps)
  await set(volumeId)
  world.deps.config.takeBackMs = 600_000
  try {
    for (let n = 0; n < 4; n++) await round(volumeId)
  } finally {
    world.deps.config.takeBackMs = 0
  }
  const ids = (await backupsOf(volumeId)).map(({ id }) => id)
  expect(ids).toHaveLength(3)
  expect(ids).toContain(mine)
  expect(await db().volumeBackup.count({ where: { volumeId } })).toBe(3)
  await set(volumeId, { keep: 1 })
  await runPending(world.deps)
  expect(await backupsOf(volumeId)).toHaveLength(2)
})

test('a backup that could not begin says why, and a busy volume is tried again soon', async () => {
  const volumeId = await aVolume()
  await set(volumeId, { every: 'week', weekday: new Date(Date.now() + 3 * 86_400_000).getUTCDay() })
  await db().volume.update({ where: { id: volumeId }, data: { state: 'extending' } })
  await round(volumeId)
  const busy = await getSchedule(tenant, { volumeId })
  expect(busy).toMatchObject({ lastAt: null, lastFailure: expect.stringMatching(/being made larger/) })
  expect(Date.parse(busy?.nextAt ?? '') - Date.now()).toBeLessThan(6 * 60_000)
  await db().volume.update({ where: { id: volumeId }, data: { state: 'available' } })
  await db().quotaLimit.updateMany({ where: { resource: 'volumeBackups' }, data: { limit: 0 } })
  await round(volumeId)
  const full = await getSchedule(tenant, { volumeId })
  expect(full?.lastFailure).toMatch(/^Quota exceeded/)
  expect(Date.parse(full?.nextAt ?? '') - Date.now()).toBeGreaterThan(86_400_000)
  await db().quotaLimit.updateMany({ where: { resource: 'volumeBackups' }, data: { limit: -1 } })
  await round(volumeId)
  expect(await getSchedule(tenant, { volumeId })).toMatchObject({ lastFailure: null })
})

test('a schedule that fails by a fault of ours is put off, so that it does not hold up the others', async () => {
  const volumeId = await aVolume()
  await set(volumeId)
  await db().$executeRaw`
    ALTER TABLE "VolumeBackup" ADD CONSTRAINT "broken" CHECK ("volumeId" IS NULL) NOT VALID`
  try {
    await round(volumeId)
  } finally {
    await db().$executeRaw`ALTER TABLE "VolumeBackup" DROP CONSTRAINT "broken"`
  }
  const told = await getSchedule(tenant, { volumeId })
  expect(told).toMatchObject({ lastAt: null, lastFailure: expect.stringMatching(/on our side/) })
  expect(Date.parse(told?.nextAt ?? '')).toBeGreaterThan(Date.now() + 4 * 60_000)
})

test('when the store has lost the earlier backup, the one after the failure is full', async () => {
  const volumeId = await aVolume()
  await set(volumeId, { keep: 5 })
  await round()
  const [first] = await backupsOf(volumeId)
  const store = world.hosts.get('a')?.backups.backups as Map<string, unknown>
  store.delete(first?.id ?? '')
  await round(volumeId)
  expect(await getSchedule(tenant, { volumeId })).toMatchObject({
    last: { state: 'error', error: expect.stringMatching(/Make a full backup/) },
  })
  await round(volumeId)
  expect((await backupsOf(volumeId))[0]).toMatchObject({ state: 'available', parentId: null })
  // The failed one is not kept beside a newer one that was made.
  expect((await backupsOf(volumeId)).map(({ state }) => state)).toEqual(['available', 'available'])
})

test('a schedule is for members, and goes with its volume', async () => {
  const volumeId = await aVolume()
  const reader = await testCtx(world.deps, { role: 'reader', projectId: tenant.projectId })
  const stranger = await testCtx(world.deps)
  await expectCloudError(set(volumeId, {}, reader), 'forbidden')
  await expectCloudError(set(volumeId, {}, stranger), 'not_found')
  await expectCloudError(getSchedule(stranger, { volumeId }), 'not_found')
  expect(scheduleSetInput.safeParse({ volumeId, every: 'day', timeZone: 'Mars/Base' }).success).toBe(false)
  await set(volumeId, { every: 'day', minute: 90, timeZone: 'Europe/Berlin' })
  expect(await getSchedule(reader, { volumeId })).toMatchObject({ minute: 90, timeZone: 'Europe/Berlin' })
  await removeSchedule(tenant, { volumeId })
  expect(await getSchedule(tenant, { volumeId })).toBeNull()
  await set(volumeId, { every: 'day' })
  await deleteVolume(tenant, { id: volumeId })
  await runPending(world.deps)
  expect(await db().volumeBackupSchedule.count({ where: { volumeId } })).toBe(0)
})

test('a schedule does not follow a volume into another project', async () => {
  const volumeId = await aVolume()
  await set(volumeId, { every: 'day' })
  const other = await testTenant(world)
  const { id, key } = await createTransfer(tenant, transferCreateInput.parse({ volumeId }))
  await acceptTransfer(other, { id, key })
  expect(await getSchedule(other, { volumeId })).toBeNull()
})

test('a volume for several instances gets no schedule', async () => {
  const volumeId = await aVolume()
  await db().volume.update({ where: { id: volumeId }, data: { multiattach: true } })
  await expectCloudError(set(volumeId), 'conflict', /several instances at once/)
  expect(await getSchedule(tenant, { volumeId })).toBeNull()
})
