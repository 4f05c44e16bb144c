import { DriverError } from '@stratolith/drivers/errors'
import { backgroundOp } from '@stratolith/drivers/op'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteInstance, stopInstance } from '../../compute/instances/actions.ts'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume, detachVolume } from '../../compute/instances/volumes.ts'
import { accounts, aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import { deliverThings } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { plainOp } from '../../kernel/hosts.ts'
import { expectCloudError, failEveryStep, runPending, runToEnd, testCtx } from '../../kernel/testing.ts'
import {
  poolCreateInput,
  volumeCreateInput,
  volumeMoveInput,
  volumeRetypeInput,
  volumeTypeCreateInput,
} from '../contract.ts'
import { groupCreateInput, groupDeleteInput } from '../groups/contract.ts'
import { createGroup, deleteGroup } from '../groups/service.ts'
import { getPool } from '../pools/list.ts'
import { createPool, deletePool } from '../pools/service.ts'
import { specOf } from '../pools.ts'
import { volumeLeftovers } from '../reconcile.ts'
import {
  createSnapshot,
  createVolume,
  deleteSnapshot,
  deleteVolume,
  forceDeleteVolume,
  getVolume,
  moveVolume,
  planMove,
  retypeVolume,
} from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { createVolumeType } from '../types/service.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
let empty: Record<string, number>
const local = 'secret-name-a@local'
const fast = 'secret-name-a@fast'
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
  const hostId = async (name: string) =>
    (await db().host.findUniqueOrThrow({ where: { name: `secret-name-${name}` } })).id
  const place = { driver: 'files', path: '/srv/x' }
  for (const patch of [
    { name: 'fast', hostId: await hostId('a') },
    { name: 'other', hostId: await hostId('b') },
    { name: 'archive' },
  ])
    await createPool(admin, poolCreateInput.parse({ place, capacityGib: 20, ...patch }))
  for (const name of ['fast', 'archive', 'other'])
    await createVolumeType(
      admin,
      volumeTypeCreateInput.parse({ name, extraSpecs: { volume_backend_name: name } }),
    )
  await createVolumeType(admin, volumeTypeCreateInput.parse({ name: 'plain' }))
  await createVolumeType(
    admin,
    volumeTypeCreateInput.parse({ name: 'disk-a', extraSpecs: { pool_name: local } }),
  )
  empty = await accounts(world, tenant.projectId)
})
afterAll(() => world.close())

const db = () => world.deps.root
async function aVolume(type = 'disk-a', patch: object = {}): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 2, type, ...patch }))
  await runPending(world.deps)
  return id
}
const retype = (id: string, type: string, migrate: 'never' | 'on-demand' = 'on-demand') =>
  retypeVolume(tenant, volumeRetypeInput.parse({ id, type, migrate }))
const move = (id: string, pool: string) => moveVolume(admin, volumeMoveInput.parse({ id, pool }))
const seen = (id: string) => getVolume(admin, { id })
/** The names of the pools that have data of the volume. */
async function placesOf(id: string): Promise<string[]> {
  const found: string[] = []
  for (const row of await db().volumePool.findMany({ where: { capacityGib: { not: null } } }))
    if (world.hosts.get('a')?.volumes.elsewhere.get(row.id)?.volumes.has(id)) found.push(row.name)
  for (const [name, host] of world.hosts)
    if (host.volumes.volumes.has(id)) found.push(`secret-name-${name}@local`)
  return found
}
const usedIn = async (name: string) => (await getPool(admin, { name })).usedGib
/** An instance on the host a that has the volume. */
async function aUser(volumeId: string): Promise<string> {
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
async function without(instanceId: string, volumeId: string): Promise<void> {
  if (await db().volumeAttachment.findFirst({ where: { volumeId } }))
    await detachVolume(tenant, { id: instanceId, volumeId })
  await runPending(world.deps)
  await deleteInstance(tenant, { id: instanceId })
  await runPending(world.deps)
}
async function end(id: string, at = 'after all'): Promise<void> {
  if (await db().volume.findUnique({ where: { id } })) await deleteVolume(tenant, { id })
  await runPending(world.deps)
  expect(await placesOf(id), at).toEqual([])
  expect(await accounts(world, tenant.projectId), at).toEqual(empty)
  for (const name of [fast, 'shared@archive']) expect(await usedIn(name), at).toBe(0)
}

describe('a failure or crash at any step', () => {
  test.each([
    { how: 'retype', action: 'volume.retype' } as const,
    { how: 'migrate', action: 'volume.migrate' } as const,
  ])(
    'of $how leaves the volume whole in one pool',
    async ({ how, action }) => {
      await failEveryStep(world.deps, {
        action,
        async start() {
          const id = await aVolume()
          if (how === 'migrate') {
            await retype(id, 'plain')
            await move(id, fast)
          } else await retype(id, 'archive')
          const operation = await db().operation.findFirstOrThrow({
            where: { resourceId: id, action },
            orderBy: { createdAt: 'desc' },
          })
          return { resourceId: id, operationId: operation.id }
        },
        async afterFailure(id, at) {
          const { state, pool, migration } = await seen(id)
          expect(state, at).toBe('available')
          expect(await placesOf(id), at).toContain(pool)
          expect(pool === local ? 'error' : 'success', at).toBe(migration)
          await db().tombstone.updateMany({ data: { deletedAt: new Date(0) } })
          await volumeLeftovers.run(world.system)
          expect(await placesOf(id), at).toEqual([pool])
          await end(id, at)
        },
        async afterSuccess(id, at) {
          const target = how === 'retype' ? 'shared@archive' : fast
          expect(await seen(id), at).toMatchObject({ state: 'available', pool: target, migration: 'success' })
          expect(await placesOf(id), at).toEqual([target])
          await end(id, at)
        },
      })
    },
    120_000,
  )
})

describe('another type', () => {
  test('that allows the pool of the volume is there at once, also in use', async () => {
    const id = await aVolume()
    expect(await retype(id, 'plain', 'never')).toMatchObject({ state: 'available', type: { name: 'plain' } })
    await expectCloudError(retype(id, 'plain'), 'invalid_input', /the type plain already/)
    const user = await aUser(id)
    await retype(id, 'disk-a', 'never')
    expect(await seen(id)).toMatchObject({ state: 'in-use', type: { name: 'disk-a' } })
    await without(user, id)
    await end(id)
  })

  test('that asks for another pool moves the volume only when that is allowed', async () => {
    const id = await aVolume()
    await expectCloudError(retype(id, 'archive', 'never'), 'conflict', /lie in other pools/)
    expect(await retype(id, 'archive')).toMatchObject({ state: 'retyping', type: { name: 'disk-a' } })
    expect([await usedIn('shared@archive'), await seen(id)]).toMatchObject([2, { migration: 'migrating' }])
    await expectCloudError(deleteVolume(tenant, { id }), 'conflict', /getting another type/)
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ type: { name: 'archive' }, pool: 'shared@archive' })
    await deleteVolume(tenant, { id })
    await runPending(world.deps)
  })

  test('is refused while the volume has snapshots, is in use, or no machine reaches both pools', async () => {
    const id = await aVolume()
    await expectCloudError(retype(id, 'other'), 'no_capacity', /No machine reaches both/)
    await expectCloudError(retype(id, 'nonsense'), 'invalid_input', /no volume type nonsense/)
    const { id: snapshot } = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
    await runPending(world.deps)
    await expectCloudError(retype(id, 'archive'), 'conflict', /with snapshots does not move/)
    await deleteSnapshot(tenant, { id: snapshot })
    await runPending(world.deps)
    const stranger = await testCtx(world.deps)
    await expectCloudError(
      retypeVolume(stranger, volumeRetypeInput.parse({ id, type: 'archive' })),
      'not_found',
    )
    await deleteVolume(tenant, { id })
    await runPending(world.deps)
  })
})

describe('a move', () => {
  test('is planned pool by pool, with the reason why one will not do', async () => {
    const id = await aVolume('plain', { sizeGib: 5 })
    const at = (await seen(id)).pool?.split('@')[0]
    const full = await aVolume('archive', { sizeGib: 18 })
    const plan = Object.fromEntries((await planMove(admin, { id })).map((one) => [one.pool, one.problem]))
    expect(plan['shared@archive']).toBe('It has 2 GiB free, and the volume needs 5 GiB.')
    const [near, far] = at === 'secret-name-a' ? ['fast', 'other'] : ['other', 'fast']
    const named = (short: string) => Object.entries(plan).find(([name]) => name.endsWith(`@${short}`))?.[1]
    expect(named(near ?? '')).toBeNull()
    expect(named(far ?? '')).toMatch(/No machine reaches both pools/)
    await expectCloudError(move(id, 'shared@archive'), 'conflict', /2 GiB free/)
    await expectCloudError(move(id, 'nowhere'), 'invalid_input', /no pool nowhere/)
    await expectCloudError(moveVolume(tenant, volumeMoveInput.parse({ id, pool: fast })), 'forbidden')
    const kept = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
    await runPending(world.deps)
    const problems = (await planMove(admin, { id })).map(({ problem }) => problem)
    expect(problems.filter((one) => !one?.startsWith('A volume with snapshots does not move'))).toEqual([])
    await deleteSnapshot(tenant, { id: kept.id })
    await runPending(world.deps)
    for (const one of [id, full]) await deleteVolume(tenant, { id: one })
    await runPending(world.deps)
  })

  test('goes between files and Ceph, and between the pools of one Ceph cluster', async () => {
    const id = await aVolume()
    const ceph = (name: string, patch: object = {}) =>
      db().volumePool.create({
        data: {
          ...{
            id: crypto.randomUUID(),
            name: `shared@${name}`,
            driver: 'rbd',
            shared: true,
            capacityGib: 20,
          },
          config: { monitors: '10.0.0.1:6789, 10.0.0.2:6789', pool: name, user: 'cloud', ...patch },
        },
      })
    const [own, , ...others] = await Promise.all([
      ceph('ceph'),
      ceph('same', { monitors: '10.0.0.2:6789' }),
      ceph('elsewhere', { monitors: '10.0.0.3:6789' }),
      ceph('otherwise', { user: 'other' }),
    ])
    const problems = async () =>
      Object.fromEntries((await planMove(admin, { id })).map((one) => [one.pool, one.problem]))
    const type = await createVolumeType(
      admin,
      volumeTypeCreateInput.parse({ name: 'ceph', extraSpecs: { volume_backend_name: 'ceph' } }),
    )
    await retype(id, 'plain')
    expect((await problems())['shared@ceph']).toBeNull()
    await world.hosts.get('a')?.volumes.makePool(backgroundOp(world.deps.log), specOf(own))
    await retype(id, type.id)
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'available', pool: 'shared@ceph' })
    await retype(id, 'disk-a')
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'available', pool: local })
    await retype(id, 'plain')
    const { poolId } = await db().volume.findUniqueOrThrow({ where: { id } })
    await db().volume.update({ where: { id }, data: { poolId: own.id } })
    const seenFrom = await problems()
    expect(seenFrom['shared@same']).toBeNull()
    for (const { name } of others) expect(seenFrom[name]).toMatch(/same Ceph cluster/)
    await db().volume.update({ where: { id }, data: { poolId } })
    await db().volumePool.deleteMany({ where: { driver: 'rbd' } })
    await deleteVolume(tenant, { id })
    await runPending(world.deps)
  })

  test('is refused for a volume of a group', async () => {
    const id = await aVolume('plain')
    const input = groupCreateInput.parse({ name: 'g', volumeIds: [id] })
    const group = await createGroup(tenant, input)
    await expectCloudError(move(id, 'shared@archive'), 'conflict', /Take it out of the group/)
    await expectCloudError(retype(id, 'archive'), 'conflict', /Take it out of the group/)
    await deleteGroup(tenant, groupDeleteInput.parse({ id: group.id, volumes: 'delete' }))
    await runPending(world.deps)
  })

  test('keeps the pool into which the volume goes', async () => {
    const id = await aVolume()
    await retype(id, 'archive')
    await expectCloudError(deletePool(admin, { name: 'shared@archive' }), 'conflict', /moved into this pool/)
    await runPending(world.deps)
    await deleteVolume(tenant, { id })
    await runPending(world.deps)
  })

  test('that the host refuses leaves the volume and its type as they were, with a message', async () => {
    const id = await aVolume()
    world.hosts.get('a')?.volumes.failNext('copyVolume', new DriverError('no_space', 'The pool is full.'))
    await retype(id, 'archive')
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({
      ...{ state: 'available', type: { name: 'disk-a' }, pool: local, migration: 'error' },
    })
    expect(await db().volumeMessage.count({ where: { resourceId: id } })).toBe(1)
    expect(await usedIn('shared@archive')).toBe(0)
    await deleteVolume(tenant, { id })
    await runPending(world.deps)
  })

  test('of a volume that is deleted by force leaves nothing in either pool', async () => {
    const id = await aVolume()
    await retype(id, 'archive')
    await forceDeleteVolume(admin, { id })
    await runPending(world.deps)
    await volumeLeftovers.run(world.system)
    expect(await placesOf(id)).toEqual([])
    expect(await usedIn('shared@archive')).toBe(0)
  })

  test('that is under way is not taken for something left over', async () => {
    const id = await aVolume()
    await retype(id, 'archive')
    await runPending(world.deps)
    await retype(id, 'disk-a')
    const row = await db().volume.findUniqueOrThrow({ where: { id } })
    const copy = world.hosts.get('a')?.volumes
    await copy?.copyVolume({} as never, {
      ...{ id, from: { driver: 'files', id: row.poolId, path: '/srv/x', shared: true } },
      ...{ to: { driver: 'files', id: 'local' }, copyId: crypto.randomUUID() },
    })
    await volumeLeftovers.run(world.system)
    expect((await placesOf(id)).toSorted()).toEqual([local, 'shared@archive'])
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ pool: local, type: { name: 'disk-a' } })
    await deleteVolume(tenant, { id })
    await runPending(world.deps)
  })
})

test('a move does not begin before the last one is over, and removes nothing where the volume goes back', async () => {
  const id = await aVolume()
  await retype(id, 'plain')
  await move(id, fast)
  const { poolId: from, movingToId } = await db().volume.findUniqueOrThrow({ where: { id } })
  const to = movingToId ?? ''
  // The worker was killed between the switch and the removal of the old data.
  await db().volume.update({ where: { id }, data: { poolId: to, movingToId: null, state: 'available' } })
  await expectCloudError(move(id, local), 'conflict', /still being done/)
  for (const one of await planMove(admin, { id })) expect(one.problem).toMatch(/still being done/)
  await db().volume.update({ where: { id }, data: { movingToId: from } })
  await runPending(world.deps)
  expect(await placesOf(id)).toContain(local)
  await db().volume.update({ where: { id }, data: { poolId: from, movingToId: null } })
  await db().volumePool.updateMany({ where: { id: to }, data: { usedGib: 0 } })
  await end(id)
})

describe('a volume that an instance has', () => {
  test.each(['retype', 'migrate'] as const)(
    'lies in one pool, which the instance is told, after a failure or crash at any step of %s',
    async (how) => {
      const users = new Map<string, string>()
      await failEveryStep(world.deps, {
        action: `volume.${how}`,
        async start() {
          const id = await aVolume()
          users.set(id, await aUser(id))
          if (how === 'migrate') {
            await retype(id, 'plain')
            await move(id, fast)
          } else await retype(id, 'archive')
          const operation = await db().operation.findFirstOrThrow({
            where: { resourceId: id, action: `volume.${how}` },
            orderBy: { createdAt: 'desc' },
          })
          return { resourceId: id, operationId: operation.id }
        },
        async afterFailure(id, at) {
          const { state, pool, migration } = await seen(id)
          expect(state, at).toBe('in-use')
          expect(pool === local ? 'error' : 'success', at).toBe(migration)
          await deliverThings(world.system, 'instance', [users.get(id) ?? ''])
          await db().tombstone.updateMany({ data: { deletedAt: new Date(0) } })
          await volumeLeftovers.run(world.system)
          expect(await placesOf(id), at).toEqual([pool])
          await without(users.get(id) ?? '', id)
          await end(id, at)
        },
        async afterSuccess(id, at) {
          const target = how === 'retype' ? 'shared@archive' : fast
          expect(await seen(id), at).toMatchObject({ state: 'in-use', pool: target, migration: 'success' })
          expect(await placesOf(id), at).toEqual([target])
          expect(await db().tombstone.count({ where: { id } }), at).toBe(0)
          const spec = await world.hosts
            .get('a')
            ?.hypervisor.describe(plainOp(world.system), users.get(id) ?? '')
          const { poolId } = await db().volume.findUniqueOrThrow({ where: { id } })
          expect(spec?.volumes, at).toMatchObject([{ id, pool: { id: poolId } }])
          await without(users.get(id) ?? '', id)
          await end(id, at)
        },
      })
    },
    240_000,
  )

  test('moves only where the machine of the instance reaches, and not shared with others', async () => {
    const id = await aVolume()
    await retype(id, 'plain')
    const user = await aUser(id)
    const plan = Object.fromEntries((await planMove(admin, { id })).map((one) => [one.pool, one.problem]))
    expect(plan['secret-name-b@other']).toMatch(/No machine reaches both pools/)
    await db().volumePool.update({ where: { name: 'shared@archive' }, data: { zone: 'elsewhere' } })
    await expectCloudError(move(id, 'shared@archive'), 'conflict', /No machine reaches both pools/)
    await db().volumePool.update({ where: { name: 'shared@archive' }, data: { zone: null } })
    await db().volume.update({ where: { id }, data: { multiattach: true } })
    await expectCloudError(move(id, fast), 'conflict', /may share this volume/)
    await db().volume.update({ where: { id }, data: { multiattach: false } })
    await without(user, id)
    await end(id)
  })

  test('does not move while its instance is off, which the plan says', async () => {
    const id = await aVolume()
    const user = await aUser(id)
    await stopInstance(tenant, { id: user })
    await runPending(world.deps)
    await retype(id, 'plain')
    for (const { pool, problem } of await planMove(admin, { id }))
      if (pool !== 'secret-name-b@other' && !pool.startsWith('secret-name-b@'))
        expect(problem).toMatch(/The instance that has the volume is off/)
    await expectCloudError(move(id, fast), 'conflict', /is off\. Start the instance/)
    await expectCloudError(retype(id, 'archive'), 'no_capacity', /is off\. Start the instance/)
    await without(user, id)
    await end(id)
  })

  test('goes on moving when its instance is deleted, and is not deleted with it', async () => {
    const id = await aVolume()
    const user = await aUser(id)
    await db().volumeAttachment.updateMany({ where: { volumeId: id }, data: { deleteOnTermination: true } })
    await retype(id, 'archive')
    await expectCloudError(
      detachVolume(tenant, { id: user, volumeId: id }),
      'conflict',
      /getting another type/,
    )
    await deleteInstance(tenant, { id: user })
    const deletion = await db().operation.findFirstOrThrow({
      where: { resourceId: user, action: 'instance.delete' },
    })
    await runToEnd(world.deps, deletion.id, { last: true })
    expect(await seen(id)).toMatchObject({ state: 'retyping', attachments: [] })
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'available', pool: 'shared@archive', migration: 'success' })
    await end(id)
  })

  test('leaves what may be the volume when its host was declared off before it could say', async () => {
    const id = await aVolume()
    const user = await aUser(id)
    await retype(id, 'archive')
    const { hostId } = await db().volumeAttachment.findFirstOrThrow({ where: { volumeId: id } })
    const where = { id: hostId ?? '' }
    const { state } = await db().host.findUniqueOrThrow({ where })
    await db().host.update({ where, data: { state: 'fenced' } })
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'in-use', pool: local, migration: 'error' })
    expect(await db().tombstone.count({ where: { id } })).toBe(0)
    await db().host.update({ where, data: { state } })
    await without(user, id)
    await end(id)
  })

  test.each([
    ['finds that the instance is off', 'conflict'],
    ['has an agent that is too old', 'unsupported'],
  ] as const)('stays where it is when its host %s', async (_, code) => {
    const id = await aVolume()
    const user = await aUser(id)
    const volumes = world.hosts.get('a')?.volumes
    volumes?.failNext('moveInUse', new DriverError(code, 'The host does not move it.'))
    if (code === 'unsupported')
      volumes?.failNext('endMove', new DriverError(code, 'This agent has no such call.'))
    await retype(id, 'archive')
    await runPending(world.deps)
    expect(await seen(id)).toMatchObject({ state: 'in-use', pool: local, migration: 'error' })
    await without(user, id)
    await end(id)
  })
})
