import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { deleteInstance } from '../../compute/instances/actions.ts'
import { launchInstances } from '../../compute/instances/launch.ts'
import { aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { poolCreateInput, poolUpdateInput, volumeCreateInput, volumeTypeCreateInput } from '../contract.ts'
import { specOf, whyNotEach } from '../pools.ts'
import {
  createSnapshot,
  createVolume,
  deleteSnapshot,
  deleteVolume,
  extendVolume,
  getVolume,
} from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { createVolumeType } from '../types/service.ts'
import { getPool, listPools } from './list.ts'
import { sealedSecrets, secretsOf } from './secrets.ts'
import { toldSecrets } from './secrets-told.ts'
import { createPool, deletePool, probePool, updatePool } from './service.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
})
afterAll(() => world.close())

const db = () => world.deps.root
const hostId = async (name: string) =>
  (await db().host.findUniqueOrThrow({ where: { name: `secret-name-${name}` } })).id
let made = 0
const aPool = (patch: object = {}) =>
  createPool(
    admin,
    poolCreateInput.parse({
      name: `pool-${++made}`,
      place: { driver: 'files', path: '/srv/fast' },
      capacityGib: 100,
      ...patch,
    }),
  )
/** A type whose volumes lie in that pool. */
const typeOf = (pool: string) =>
  createVolumeType(
    admin,
    volumeTypeCreateInput.parse({ name: crypto.randomUUID(), extraSpecs: { volume_backend_name: pool } }),
  )
async function volumeIn(pool: string, patch: object = {}): Promise<string> {
  const { id: type } = await typeOf(pool)
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, type, ...patch }))
  await runPending(world.deps)
  return id
}
const storeOf = async (name: string) => {
  const { id } = await db().volumePool.findUniqueOrThrow({ where: { name } })
  return world.hosts.get('a')?.volumes.elsewhere.get(id)
}
const away = async (id: string) => {
  await deleteVolume(tenant, { id })
  await runPending(world.deps)
}

test('the disk of a machine says how much is really there, and how often that is promised', async () => {
  const id = await hostId('a')
  const facts = { diskFreeGib: 100, diskWrittenGib: 25 }
  await db().hostBeat.upsert({
    where: { hostId: id },
    create: { hostId: id, facts },
    update: { facts },
  })
  const pool = (await listPools(admin)).find(({ isLocal, host }) => isLocal && host?.id === id)
  expect(pool).toMatchObject({ capacityGib: 125, overcommit: (pool?.totalGib ?? 0) / 125 })
})

describe('a pool of one machine', () => {
  test('has the room that its machine sees, and volumes of a type that names it', async () => {
    const pool = await aPool({ hostId: await hostId('a'), capacityGib: undefined, overcommit: 2 })
    expect(pool).toMatchObject({
      name: `secret-name-a@pool-${made}`,
      capacityGib: 1000,
      totalGib: 2000,
      usedGib: 0,
    })
    expect(pool).toMatchObject({
      host: { name: 'secret-name-a' },
      isLocal: false,
      config: { path: '/srv/fast' },
    })
    const before = await getPool(admin, { name: 'secret-name-a@local' })
    const id = await volumeIn(`pool-${made}`, { sizeGib: 3 })
    expect(await getVolume(admin, { id })).toMatchObject({ state: 'available', pool: pool.name })
    expect((await storeOf(pool.name))?.volumes.get(id)?.sizeBytes).toBe(3 * 1024 ** 3)
    await extendVolume(tenant, { id, sizeGib: 5 })
    await runPending(world.deps)
    const kept = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
    await runPending(world.deps)
    expect(await getPool(admin, { name: pool.name })).toMatchObject({
      usedGib: 10,
      volumesGib: 10,
      volumes: 1,
    })
    expect(await getPool(admin, { name: 'secret-name-a@local' })).toEqual(before)
    await deleteSnapshot(tenant, { id: kept.id })
    await runPending(world.deps)
    await away(id)
    expect((await storeOf(pool.name))?.volumes.size).toBe(0)
    expect(await getPool(admin, { name: pool.name })).toMatchObject({ usedGib: 0, volumes: 0 })
  })

  test('that is full takes no volume, and says how much is free', async () => {
    const pool = await aPool({ hostId: await hostId('b'), capacityGib: 4, overcommit: 1.5 })
    const id = await volumeIn(pool.name, { sizeGib: 5 })
    await expectCloudError(volumeIn(pool.name, { sizeGib: 2 }), 'no_capacity', /at most 1 GiB are free/)
    await expectCloudError(extendVolume(tenant, { id, sizeGib: 7 }), 'no_capacity', /has no 2 GiB more/)
    await updatePool(admin, poolUpdateInput.parse({ name: pool.name, capacityGib: 8 }))
    await extendVolume(tenant, { id, sizeGib: 7 })
    await runPending(world.deps)
    await expectCloudError(
      updatePool(admin, poolUpdateInput.parse({ name: pool.name, capacityGib: 4 })),
      'invalid_input',
      /7 GiB of the pool are promised/,
    )
    await away(id)
  })
})

describe('a shared pool', () => {
  test('is reached by all machines or by those of its zone, and each says whether it does', async () => {
    const pool = await aPool()
    expect(pool).toMatchObject({ name: `shared@pool-${made}`, host: null, zone: null })
    expect(await probePool(admin, { name: pool.name })).toMatchObject([
      { host: { name: 'secret-name-a' }, problem: null, totalGib: 1000 },
      { host: { name: 'secret-name-b' }, problem: null },
    ])
    world.faults.set('b', 'refuses')
    const [, b] = await probePool(admin, { name: pool.name })
    expect(b).toMatchObject({ host: { name: 'secret-name-b' }, problem: expect.any(String), totalGib: null })
    world.faults.delete('b')
    await expectCloudError(aPool({ zone: 'nowhere' }), 'invalid_input', /no zone nowhere/)
  })

  test('gives a volume by whichever machine is there', async () => {
    const pool = await aPool()
    const id = await volumeIn(pool.name)
    await db().host.update({ where: { name: 'secret-name-a' }, data: { state: 'down' } })
    await extendVolume(tenant, { id, sizeGib: 2 })
    await runPending(world.deps)
    expect(await getVolume(tenant, { id })).toMatchObject({ state: 'available', sizeGib: 2 })
    await db().host.update({ where: { name: 'secret-name-a' }, data: { state: 'up' } })
    await away(id)
  })
})

test('a place that no machine reaches makes no pool, and the answer has the words of the machine', async () => {
  for (const name of ['a', 'b'])
    world.hosts
      .get(name)
      ?.volumes.failNext('makePool', new DriverError('invalid', 'The folder is not there.'))
  await expectCloudError(
    aPool(),
    'invalid_input',
    /^secret-name-a: The folder is not there\. The other machines/,
  )
  expect((await listPools(admin)).map(({ name }) => name)).not.toContain(`shared@pool-${made}`)
})

test('a pool whose name is taken while it is made leaves nothing in its place', async () => {
  const { name: other } = await aPool()
  const name = `pool-${made + 1}`
  const spied = [...world.hosts.values()].map(({ volumes }) => vi.spyOn(volumes, 'makePool'))
  for (const one of spied)
    one.mockImplementationOnce(async (...args) => {
      await db().volumePool.update({ where: { name: other }, data: { name: `shared@${name}` } })
      one.mockRestore()
      return [...world.hosts.values()][0]?.volumes.makePool(...args) ?? { totalGib: 1, freeGib: 1 }
    })
  const stores = () => world.hosts.get('a')?.volumes.elsewhere.size ?? 0
  const before = stores()
  await expectCloudError(aPool(), 'already_exists')
  expect(stores()).toBe(before)
  for (const one of spied) one.mockRestore()
  await deletePool(admin, { name: `shared@${name}` })
})

test('one pool is shown, changed and asked for without reading the volumes of the others', async () => {
  const { name } = await aPool()
  const id = await volumeIn(name)
  const asked: unknown[] = []
  const counting = db().$extends({
    query: {
      volume: {
        groupBy({ args, query }) {
          asked.push(args.where)
          return query(args)
        },
      },
    },
  })
  const ctx = { ...admin, db: counting as unknown as Ctx['db'] }
  const { id: poolId } = await db().volumePool.findUniqueOrThrow({ where: { name } })
  expect(await getPool(ctx, { name })).toMatchObject({ volumes: 1, deletedVolumes: 0, volumesGib: 1 })
  expect(asked).toEqual([{ poolId: { in: [poolId] } }])
  await probePool(ctx, { name: 'secret-name-a@local' })
  expect(asked).toHaveLength(1)
  await db().volume.update({ where: { id }, data: { trashedUntil: new Date() } })
  expect(await getPool(admin, { name })).toMatchObject({ volumes: 1, deletedVolumes: 1, volumesGib: 1 })
  await db().volume.update({ where: { id }, data: { trashedUntil: null } })
  await away(id)
  await deletePool(admin, { name })
})

test('a pool is closed, renamed, and removed when nothing lies there', async () => {
  const pool = await aPool()
  const id = await volumeIn(pool.name)
  const change = (patch: object) => updatePool(admin, poolUpdateInput.parse({ name: pool.name, ...patch }))
  await change({ enabled: false })
  expect(await getPool(admin, { name: pool.name })).toMatchObject({
    enabled: false,
    closed: /closed the pool/,
  })
  await expectCloudError(volumeIn(pool.name), 'no_capacity', /No pool takes volumes/)
  const other = await aPool()
  await expectCloudError(change({ shortName: `pool-${made}` }), 'already_exists')
  expect(await change({ shortName: 'archive' })).toMatchObject({ name: 'shared@archive' })
  await expectCloudError(
    deletePool(admin, { name: 'shared@archive' }),
    'conflict',
    /A volume lies in this pool/,
  )
  expect((await getVolume(admin, { id })).pool).toBe('shared@archive')
  await away(id)
  await deletePool(admin, { name: 'shared@archive' })
  await expectCloudError(getPool(admin, { name: 'shared@archive' }), 'not_found')
  await deletePool(admin, { name: other.name })
  for (const name of ['secret-name-a@local', 'secret-name-b@local'])
    await expectCloudError(deletePool(admin, { name }), 'conflict', /as long as the machine is there/)
})

test('the disk of a machine that is closed takes no new volumes, and keeps and grows those that it has', async () => {
  const disk = 'secret-name-a@local'
  const change = (patch: object) => updatePool(admin, poolUpdateInput.parse({ name: disk, ...patch }))
  const create = (patch: object = {}) =>
    createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, ...patch }))
  const { id: type } = await typeOf(disk)
  const { id } = await create({ type })
  await runPending(world.deps)
  expect(await change({ enabled: false, disabledReason: 'the disk is old' })).toMatchObject({
    ...{ enabled: false, isLocal: true },
    closed: 'An administrator has closed the pool: the disk is old',
  })
  await expectCloudError(create({ type }), 'no_capacity', /No pool takes volumes/)
  const why = await whyNotEach(admin, { sizeGib: 1, type: {} })
  expect(why).toContainEqual({ pool: disk, problem: expect.stringContaining('the disk is old') })
  const elsewhere = await create()
  expect((await getVolume(admin, { id: elsewhere.id })).pool).toBe('secret-name-b@local')
  await extendVolume(tenant, { id, sizeGib: 2 })
  await runPending(world.deps)
  expect(await getVolume(admin, { id })).toMatchObject({ state: 'available', sizeGib: 2, pool: disk })

  // Instances with new volumes go to other machines, and those without go to this one, too.
  const volumes = [{ from: { kind: 'blank' as const }, sizeGib: 1, boot: false, deleteOnTermination: true }]
  const { instances } = await launchInstances(tenant, aLaunch(world, { count: 4, volumes }))
  await runPending(world.deps)
  const rows = await db().instance.findMany({ where: { id: { in: instances.map((one) => one.id) } } })
  expect(new Set(rows.map(({ hostId: at }) => at))).toEqual(new Set([await hostId('b')]))
  await expectCloudError(
    launchInstances(tenant, aLaunch(world, { volumes: [{ ...volumes[0], type }] })),
    'no_capacity',
    /No pool takes volumes/,
  )

  for (const patch of [{ capacityGib: 5 }, { shortName: 'other' }, { description: 'x' }])
    await expectCloudError(change({ enabled: true, ...patch }), 'conflict', /only open or close it/)
  expect(await change({ enabled: true })).toMatchObject({ enabled: true, closed: null })
  for (const one of instances) await deleteInstance(tenant, { id: one.id })
  await runPending(world.deps)
  for (const one of [id, elsewhere.id]) await away(one)
})

test('a pool whose removal was interrupted takes nothing, and is removed again', async () => {
  const { name } = await aPool()
  const { id: type } = await typeOf(name)
  const spied = [...world.hosts.values()].map(({ volumes }) => vi.spyOn(volumes, 'removePool'))
  for (const one of spied) one.mockRejectedValue(new DriverError('conflict', 'not empty'))
  await expectCloudError(deletePool(admin, { name }), 'conflict', /not empty/)
  expect((await getPool(admin, { name })).closed).toBeNull()
  // A machine that does not answer may have removed the place.
  for (const one of spied) one.mockRejectedValue(new DriverError('unavailable', 'no answer'))
  await expectCloudError(deletePool(admin, { name }), 'conflict')
  expect((await getPool(admin, { name })).closed).toMatch(/being removed/)
  for (const one of spied) one.mockRejectedValue(new DriverError('conflict', 'not empty'))
  await expectCloudError(deletePool(admin, { name }), 'conflict', /not empty/)
  expect((await getPool(admin, { name })).closed).toMatch(/being removed/)

  // The worker dies while the machine is asked.
  for (const one of spied) one.mockReturnValue(new Promise(() => undefined))
  deletePool(admin, { name }).catch(() => undefined)
  await expect.poll(async () => (await getPool(admin, { name })).closed).toMatch(/being removed/)
  const make = createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, type }))
  await expectCloudError(make, 'no_capacity', /No pool takes volumes/)
  await expectCloudError(
    updatePool(admin, poolUpdateInput.parse({ name, enabled: true })),
    'conflict',
    /remove the pool again/,
  )
  for (const one of spied) one.mockRestore()
  await deletePool(admin, { name })
  await expectCloudError(getPool(admin, { name }), 'not_found')
})

test('a pool in Ceph tells its key to the machines, and to nobody else', async () => {
  const key = 'AQCrNA1rwp8zGRAAFWZwD5N+TJZKa4o4Z/mnOg=='
  const place = { driver: 'rbd', monitors: ' 10.0.0.1:6789\n10.0.0.2 ', pool: 'vol', user: 'cloud', key }
  const spec = { driver: 'rbd', monitors: ['10.0.0.1:6789', '10.0.0.2'], pool: 'vol', user: 'cloud' }
  const told: unknown[] = []
  const spied = ['a', 'b'].map((name) => {
    const { volumes } = world.hosts.get(name) ?? {}
    if (!volumes) throw new Error(name)
    const { probePool: probe, ensureVolume, openVolume } = volumes
    volumes.probePool = async (op, pool) => {
      told.push({ name, pool })
      return probe(op, pool)
    }
    volumes.ensureVolume = async (op, wish) => {
      told.push({ name: 'a volume', pool: wish.pool })
      return ensureVolume(op, wish)
    }
    return () => Object.assign(volumes, { probePool: probe, ensureVolume, openVolume })
  })
  const pool = await aPool({ place })
  const { id: poolId } = await db().volumePool.findUniqueOrThrow({ where: { name: pool.name } })
  for (const name of ['a', 'b']) expect(told).toContainEqual({ name, pool: { ...spec, id: poolId, key } })
  expect(pool).toMatchObject({
    driver: 'rbd',
    config: { monitors: '10.0.0.1:6789, 10.0.0.2', pool: 'vol', user: 'cloud' },
  })
  expect(JSON.stringify(pool)).not.toContain(key)
  const [row] = await db().$queryRaw<{ text: string }[]>`
    SELECT p::text AS "text" FROM "VolumePool" p WHERE p."name" = ${pool.name}`
  expect(row?.text).not.toContain(key)
  told.length = 0
  const id = await volumeIn(pool.name)
  expect(told).toEqual([{ name: 'a volume', pool: { ...spec, id: poolId, key } }])
  // Documents have the place and not the key.
  const volume = await db().volume.findUniqueOrThrow({ where: { id }, include: { pool: true } })
  expect(specOf(volume.pool)).toEqual({ ...spec, id: poolId })
  told.length = 0
  await toldSecrets.run(world.system)
  expect(told).toHaveLength(2)
  told.length = 0
  const access = { monitors: '10.0.0.3', key: 'AQBNEWKEYwp8zGRAAFWZwD5N+TJZKa4o4Z/mnOg==' }
  await updatePool(admin, poolUpdateInput.parse({ name: pool.name, access }))
  const changed = { ...spec, id: poolId, monitors: ['10.0.0.3'], key: access.key }
  for (const name of ['a', 'b']) expect(told).toContainEqual({ name, pool: changed })
  const { name: other } = await aPool()
  await expectCloudError(updatePool(admin, poolUpdateInput.parse({ name: other, access })), 'invalid_input')
  await away(id)
  await deletePool(admin, { name: pool.name })
  for (const restore of spied) restore()
})

test.each([
  ['monitors that are none', { monitors: 'a;b' }],
  ['no monitors', { monitors: ' , ' }],
  ['a user with a line of settings', { user: 'a\nkeyring = /etc/shadow' }],
  ['a key that is none', { key: 'secret key' }],
])('a pool in Ceph is refused with %s', (_, wrong) => {
  const right = { driver: 'rbd', monitors: 'a', pool: 'b', user: 'c', key: 'AQCrNA1rwp8zGRAAFWZwD5N+' }
  const input = (place: object) => poolCreateInput.safeParse({ name: 'x', place }).success
  expect(input(right)).toBe(true)
  expect(input({ ...right, ...wrong })).toBe(false)
})

test('the secrets of a pool are sealed for this pool alone', () => {
  const pool = { id: crypto.randomUUID(), name: 'shared@x' }
  const secrets = sealedSecrets(admin, pool.id, { key: 'a secret' })
  expect(secrets).not.toContain('a secret')
  expect(secretsOf(admin, { ...pool, secrets })).toEqual({ key: 'a secret' })
  expect(() => secretsOf(admin, { ...pool, id: crypto.randomUUID(), secrets })).toThrow()
  expect(sealedSecrets(admin, pool.id, {})).toBeNull()
})
