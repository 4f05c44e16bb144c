import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { Crash, type Probe, runOperation } from '../../kernel/run.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { proveUsage } from '../../quota/reconcile.ts'
import {
  poolCreateInput,
  volumeCreateInput,
  volumeMoveInput,
  volumeRetypeInput,
  volumeTypeCreateInput,
} from '../contract.ts'
import { manageableVolumes } from '../manage/list.ts'
import { createPool } from '../pools/service.ts'
import { volumesOnHost } from '../pools.ts'
import { volumeLeftovers } from '../reconcile.ts'
import { createVolume, forceDeleteVolume, getVolume, moveVolume, retypeVolume } from '../service.ts'
import { createVolumeType, deleteVolumeType } from '../types/service.ts'

/** Moves whose rows do not say where the volume is: a backup of the database was restored, or an answer was lost. */
let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
const local = 'secret-name-a@local'
const fast = 'secret-name-a@fast'
const archive = 'shared@archive'
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
  const a = await db().host.findUniqueOrThrow({ where: { name: 'secret-name-a' } })
  const place = { driver: 'files', path: '/srv/x' }
  for (const patch of [{ name: 'fast', hostId: a.id }, { name: 'archive' }])
    await createPool(admin, poolCreateInput.parse({ place, capacityGib: 20, ...patch }))
  const types = {
    archive: { volume_backend_name: 'archive' },
    'disk-a': { pool_name: local },
    plain: {},
  }
  for (const [name, extraSpecs] of Object.entries(types))
    await createVolumeType(admin, volumeTypeCreateInput.parse({ name, extraSpecs }))
})
afterAll(() => world.close())

const db = () => world.deps.root
const volumes = () => {
  const host = world.hosts.get('a')
  if (!host) throw new Error('no host a')
  return host.volumes
}
async function aVolume(): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 2, type: 'disk-a' }))
  await runPending(world.deps)
  await retypeVolume(tenant, volumeRetypeInput.parse({ id, type: 'plain', migrate: 'never' }))
  return id
}
const move = (id: string, pool: string) => moveVolume(admin, volumeMoveInput.parse({ id, pool }))
const retype = (id: string, type: string) =>
  retypeVolume(tenant, volumeRetypeInput.parse({ id, type, migrate: 'on-demand' }))
const seen = (id: string) => getVolume(admin, { id })
const operationOf = (resourceId: string) =>
  db().operation.findFirstOrThrow({
    where: { resourceId, action: { in: ['volume.retype', 'volume.migrate'] } },
    orderBy: { createdAt: 'desc' },
  })
const storeOf = async (name: string) => {
  if (name === local) return { id: 'local', all: volumes().volumes as Map<string, Lying> }
  const { id } = await db().volumePool.findUniqueOrThrow({ where: { name } })
  const store = volumes().elsewhere.get(id)
  if (!store) throw new Error(`no pool ${name}`)
  return { id, all: store.volumes as Map<string, Lying> }
}
type Lying = NonNullable<ReturnType<ReturnType<typeof volumes>['volumes']['get']>>
/** Puts the data of a volume into exactly these pools, as data that somebody has used. */
async function lieIn(id: string, ...names: string[]): Promise<void> {
  const stores = await Promise.all(
    [local, fast, archive].map(async (name) => ({ name, ...(await storeOf(name)) })),
  )
  const one = stores.map(({ all }) => all.get(id)).find((found) => found && !found.movedTo)
  if (!one) throw new Error('the volume is nowhere')
  for (const { all } of stores) all.delete(id)
  for (const { name, id: pool, all } of stores) {
    const { copyId: _, ...about } = one
    if (names.includes(name)) all.set(id, { ...about, pool, guests: new Set() })
  }
}
async function placesOf(id: string): Promise<string[]> {
  const found: string[] = []
  for (const name of [archive, fast, local]) if ((await storeOf(name)).all.has(id)) found.push(name)
  return found
}
async function sweep(): Promise<void> {
  await db().tombstone.updateMany({ data: { deletedAt: new Date(0) } })
  await volumeLeftovers.run(world.system)
}
async function end(id: string): Promise<void> {
  await forceDeleteVolume(admin, { id })
  await runPending(world.deps)
}

describe('a volume that lies elsewhere than its row says', () => {
  test('is put right by a move to where it lies', async () => {
    const id = await aVolume()
    await lieIn(id, fast)
    await move(id, fast)
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'available', pool: fast, migration: 'success' })
    expect(await placesOf(id)).toEqual([fast])
    await end(id)
  })

  test('keeps its only copy when a move to a third pool fails', async () => {
    const id = await aVolume()
    await lieIn(id, fast)
    await move(id, archive)
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'available', pool: local, migration: 'error' })
    expect(await db().tombstone.count({ where: { id } })).toBe(0)
    await sweep()
    expect(await placesOf(id)).toEqual([fast])
    await end(id)
  })

  test('keeps what the other pool has when both have the volume', async () => {
    const id = await aVolume()
    await lieIn(id, local, fast)
    await move(id, fast)
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'available', pool: local, migration: 'error' })
    await sweep()
    expect(await placesOf(id)).toEqual([fast, local])
    await end(id)
    await sweep()
  })

  test('keeps its only copy when a move that was in its last step is resumed', async () => {
    const id = await aVolume()
    await move(id, fast)
    const operation = await operationOf(id)
    const probe: Probe = ({ step, when }) => {
      if (step === 'remove' && when === 'before') throw new Crash('kill -9')
    }
    await expect(runOperation(world.deps, operation.id, { last: false, probe })).rejects.toBeInstanceOf(Crash)
    // Since the backup of the database the volume has gone back.
    await lieIn(id, local)
    await runPending(world.deps)
    await sweep()
    expect(await placesOf(id)).toEqual([local])
    await lieIn(id, fast)
    await end(id)
  })
})

describe('a volume that an instance has', () => {
  /** An instance on the host a that has the volume. */
  async function used(volumeId: string): Promise<string> {
    const b = { where: { name: 'secret-name-b' } }
    await db().host.update({ ...b, data: { enabled: false } })
    const { instances } = await launchInstances(tenant, aLaunch(world))
    await db().host.update({ ...b, data: { enabled: true } })
    await runPending(world.deps)
    const id = instances[0]?.id ?? ''
    await attachVolume(tenant, { id, volumeId })
    await runPending(world.deps)
    return id
  }
  const wishOf = async (id: string) => {
    const operation = await operationOf(id)
    const input = operation.input as { poolId: string }
    const to = { driver: 'files' as const, id: input.poolId, path: '/srv/x', shared: true as const }
    return { id, from: { driver: 'files' as const, id: 'local' }, to, copyId: operation.id }
  }

  test('stays where its host has moved it although the agent was rolled back before it could say so', async () => {
    const id = await aVolume()
    await used(id)
    await retype(id, 'archive')
    const { id: operationId } = await operationOf(id)
    volumes().failNext('moveInUse', new DriverError('unavailable', 'The answer was lost.'))
    await expectCloudError(runOperation(world.deps, operationId, { last: false }), 'unavailable')
    await volumes().moveInUse({} as never, await wishOf(id))
    const unknown = new DriverError('unsupported', 'This agent has no such call.')
    for (const call of ['moveInUse', 'endMove']) volumes().failNext(call, unknown)
    await expect(runOperation(world.deps, operationId, { last: true })).rejects.toThrow()
    expect(await seen(id)).toMatchObject({ state: 'retyping' })
    expect(await db().tombstone.count({ where: { id } })).toBe(0)
    // The agent is new again.
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'in-use', pool: archive })
    expect(await placesOf(id)).toContain(archive)
  })

  test('is where its host has moved it although the host was declared to be off before it could say so', async () => {
    const id = await aVolume()
    await used(id)
    await retype(id, 'archive')
    await volumes().moveInUse({} as never, await wishOf(id))
    const where = { name: 'secret-name-a' }
    const { state } = await db().host.findUniqueOrThrow({ where })
    await db().host.update({ where, data: { state: 'fenced' } })
    await runPending(world.deps)
    await db().host.update({ where, data: { state } })
    expect(await seen(id)).toMatchObject({ state: 'in-use', pool: archive, type: { name: 'archive' } })
  })

  test('is found again where it was moved when the row of a restored backup names the pool of before', async () => {
    const id = await aVolume()
    await used(id)
    await retype(id, 'archive')
    const { id: operationId } = await operationOf(id)
    const probe: Probe = ({ step, when }) => {
      if (step === 'remove' && when === 'before') throw new Crash('kill -9')
    }
    await expect(runOperation(world.deps, operationId, { last: false, probe })).rejects.toBeInstanceOf(Crash)
    const { id: poolId } = await db().volumePool.findUniqueOrThrow({ where: { name: local } })
    await db().volume.update({ where: { id }, data: { poolId } })
    await volumeLeftovers.run(world.system)
    // The operation says where the volume is, as long as it is not over.
    expect(await seen(id)).toMatchObject({ pool: local })
    await db().operation.update({ where: { id: operationId }, data: { state: 'failed' } })
    const problem = (await manageableVolumes(admin, { pool: local })).find((one) => one.id === id)?.problem
    expect(problem).toMatch(/knows it already/)
    await volumeLeftovers.run(world.system)
    expect(await seen(id)).toMatchObject({ state: 'in-use', pool: archive })
  })

  test('is not kept from the end of its move by limits of the new type that others have used up', async () => {
    const id = await aVolume()
    await used(id)
    const { id: typeId } = await db().volumeType.findFirstOrThrow({ where: { name: 'archive' } })
    const owner = { projectId: tenant.projectId, resource: `volumes:${typeId}` }
    const counted = async () => {
      await proveUsage(world.system)
      return (await db().quotaUsage.findFirst({ where: owner }))?.used ?? 0
    }
    const before = await counted()
    await db().quotaLimit.create({ data: { ...owner, limit: before + 1 } })
    await retype(id, 'archive')
    expect(await counted()).toBe(before + 1)
    const another = createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, type: 'archive' }))
    await expectCloudError(another, 'quota_exceeded')
    await expectCloudError(deleteVolumeType(admin, { id: typeId }), 'conflict')
    await db().quotaLimit.updateMany({ where: owner, data: { limit: 0 } })
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'in-use', pool: archive, type: { name: 'archive' } })
    expect(await counted()).toBe(before + 1)
    await db().quotaLimit.deleteMany({ where: owner })
  })

  test('gives the counts of the new type back when its move fails', async () => {
    const id = await aVolume()
    await used(id)
    const usage = () =>
      db().quotaUsage.findMany({
        where: { projectId: tenant.projectId, resource: { contains: ':' } },
        orderBy: { resource: 'asc' },
      })
    const before = await usage()
    volumes().failNext('moveInUse', new DriverError('conflict', 'The instance is off.'))
    await retype(id, 'archive')
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'in-use', pool: local, migration: 'error' })
    const counts = (rows: typeof before) => rows.filter(({ used }) => used > 0)
    expect(counts(await usage())).toEqual(counts(before))
  })
})

test('a host to whose disk a volume moves is not deleted', async () => {
  const id = await aVolume()
  await move(id, fast)
  await runPending(world.deps)
  const { id: hostId } = await db().host.findUniqueOrThrow({ where: { name: 'secret-name-a' } })
  await move(id, local)
  await db().volumePool.updateMany({ where: { name: fast }, data: { hostId: null } })
  expect(await volumesOnHost(admin, hostId)).toMatch(/being moved to the disk|lie on the disk/)
  const others = await db().volume.findMany({
    where: { pool: { hostId } },
    select: { id: true, poolId: true },
  })
  const { id: poolId } = await db().volumePool.findUniqueOrThrow({ where: { name: fast } })
  for (const one of others) await db().volume.update({ where: { id: one.id }, data: { poolId } })
  expect(await volumesOnHost(admin, hostId)).toMatch(/A volume is being moved to the disk of this host/)
  for (const one of others) await db().volume.update({ where: { id: one.id }, data: { poolId: one.poolId } })
  await db().volumePool.updateMany({ where: { name: fast }, data: { hostId } })
  await runPending(world.deps)
  await end(id)
})

test('a type to which a volume moves is not deleted', async () => {
  const type = await createVolumeType(
    admin,
    volumeTypeCreateInput.parse({ name: 'wanted', extraSpecs: { volume_backend_name: 'archive' } }),
  )
  const id = await aVolume()
  await retype(id, 'wanted')
  await expectCloudError(
    deleteVolumeType(admin, { id: type.id }),
    'conflict',
    /is being moved to get this type/,
  )
  await runPending(world.deps)
  await end(id)
  await deleteVolumeType(admin, { id: type.id })
})
