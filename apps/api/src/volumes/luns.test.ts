import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../kernel/testing.ts'
import { backupCreateInput } from './backups/contract.ts'
import { poolCreateInput, poolUpdateInput, volumeCreateInput, volumeTypeCreateInput } from './contract.ts'
import { groupCreateInput, groupSnapshotCreateInput } from './groups/contract.ts'
import { createGroup } from './groups/service.ts'
import { createGroupSnapshot } from './groups/snapshots.ts'
import { volumeImageInput } from './images/contract.ts'
import { makeVolumeImage } from './images/service.ts'
import { createPool, updatePool } from './pools/service.ts'
import { specOf } from './pools.ts'
import { createBackup, createSnapshot, createVolume, getVolume } from './service.ts'
import { snapshotCreateInput } from './snapshots/contract.ts'
import { volumeCan } from './states.ts'
import { createVolumeType } from './types/service.ts'

let world: World
let tenant: Ctx & { projectId: string }
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
})
afterAll(() => world.close())

const place = {
  ...{ driver: 'iscsi', portal: ' 10.0.0.1 ', target: 'iqn.2026-01.com.example:volumes' },
  ...{ user: 'cloud', secret: 'a-secret-of-chap' },
}
const spec = { driver: 'iscsi', portal: '10.0.0.1:3260', target: place.target, user: 'cloud' }
let count = 0
const aPool = () =>
  createPool(admin, poolCreateInput.parse({ name: `luns-${++count}`, place, capacityGib: 100 }))
async function volumeIn(pool: string): Promise<string> {
  const { id: type } = await createVolumeType(
    admin,
    volumeTypeCreateInput.parse({ name: crypto.randomUUID(), extraSpecs: { volume_backend_name: pool } }),
  )
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, type }))
  await runPending(world.deps)
  return id
}

test('a pool of LUNs tells its secret to the machines, and to nobody else', async () => {
  const told: unknown[] = []
  const spied = ['a', 'b'].map((name) => {
    const { volumes } = world.hosts.get(name) ?? {}
    if (!volumes) throw new Error(name)
    const { probePool, ensureVolume } = volumes
    volumes.probePool = async (op, pool) => {
      told.push(pool)
      return probePool(op, pool)
    }
    volumes.ensureVolume = async (op, wish) => {
      told.push(wish.pool)
      return ensureVolume(op, wish)
    }
    return () => Object.assign(volumes, { probePool, ensureVolume })
  })
  const pool = await aPool()
  const row = await world.deps.root.volumePool.findUniqueOrThrow({ where: { name: pool.name } })
  const full = { ...spec, id: row.id, secret: place.secret }
  expect(told).toEqual([full, full])
  expect(pool).toMatchObject({ driver: 'iscsi', config: { portal: '10.0.0.1:3260', target: place.target } })
  expect(JSON.stringify([pool, row])).not.toContain(place.secret)
  told.length = 0
  const id = await volumeIn(pool.name)
  expect(told).toEqual([full])
  const volume = await world.deps.root.volume.findUniqueOrThrow({ where: { id }, include: { pool: true } })
  expect(specOf(volume.pool)).toEqual({ ...spec, id: row.id })
  told.length = 0
  const access = { portal: '10.0.0.2:3261', user: 'other@host', secret: 'another-secret' }
  await updatePool(admin, poolUpdateInput.parse({ name: pool.name, access }))
  expect(told).toEqual([
    { ...full, ...access },
    { ...full, ...access },
  ])
  const ofCeph = poolUpdateInput.parse({ name: pool.name, access: { monitors: '10.0.0.3' } })
  await expectCloudError(updatePool(admin, ofCeph), 'invalid_input', /only one of iSCSI/)
  for (const restore of spied) restore()
})

test.each([
  ['a portal that is none', { portal: '10.0.0.1/x' }],
  ['a target that is none', { target: 'volumes' }],
  ['a user with a sign that URLs read', { user: 'a%b' }],
  ['a secret that is too short', { secret: 'short' }],
  ['no secret', { secret: undefined }],
])('a pool of LUNs is refused with %s', (_, wrong) => {
  const input = (one: object) => poolCreateInput.safeParse({ name: 'x', place: one }).success
  expect(input(place)).toBe(true)
  expect(input({ ...place, portal: '[fd00::1]:3260' })).toBe(true)
  expect(input({ ...place, ...wrong })).toBe(false)
})

test('what needs snapshots is refused for a volume on a LUN before anything begins', async () => {
  const id = await volumeIn((await aPool()).name)
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'available', isLun: true })
  const snapshot = () => createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
  await expectCloudError(snapshot(), 'conflict', /on a LUN, which has no snapshots/)
  const { id: groupId } = await createGroup(tenant, groupCreateInput.parse({ name: 'g', volumeIds: [id] }))
  const both = () => createGroupSnapshot(tenant, groupSnapshotCreateInput.parse({ groupId, name: 'x' }))
  await expectCloudError(both(), 'conflict', /on a LUN, which has no snapshots/)
  const before = await world.deps.root.operation.count()
  await world.deps.root.volume.update({ where: { id }, data: { state: 'in-use' } })
  for (const work of [
    () => createVolume(tenant, volumeCreateInput.parse({ sourceVolumeId: id })),
    () => createBackup(tenant, backupCreateInput.parse({ volumeId: id })),
    () => makeVolumeImage(tenant, volumeImageInput.parse({ id, name: 'x', force: true })),
  ])
    await expectCloudError(work(), 'conflict', /Detach it first/)
  expect(await world.deps.root.operation.count()).toBe(before)
  await world.deps.root.volume.update({ where: { id }, data: { state: 'available' } })
  for (const action of ['copy', 'backUp', 'makeImage'] as const)
    expect(volumeCan[action]({ state: 'available', isLun: true })).toBe(true)
  const copy = await createVolume(tenant, volumeCreateInput.parse({ sourceVolumeId: id }))
  await runPending(world.deps)
  expect(await getVolume(tenant, { id: copy.id })).toMatchObject({ state: 'available', isLun: true })
})
