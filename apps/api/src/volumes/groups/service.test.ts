import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteInstance } from '../../compute/instances/actions.ts'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { accounts, aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { runOperation } from '../../kernel/run.ts'
import {
  ageOperation,
  expectCloudError,
  failEveryStep,
  runPending,
  runToEnd,
  testCtx,
} from '../../kernel/testing.ts'
import { proveUsage } from '../../quota/reconcile.ts'
import { poolCreateInput, volumeCreateInput } from '../contract.ts'
import { createPool, deletePool } from '../pools/service.ts'
import { volumeContents } from '../project-deletion.ts'
import { createTransfer, createVolume, deleteSnapshot, deleteVolume, getVolume } from '../service.ts'
import { transferCreateInput } from '../transfers/contract.ts'
import { volumeTypeCreateInput } from '../types/contract.ts'
import { createVolumeType, deleteVolumeType } from '../types/service.ts'
import {
  groupCan,
  groupCreateInput,
  groupDeleteInput,
  groupFromInput,
  groupListInput,
  groupSnapshotCreateInput,
  groupTypeCreateInput,
  groupUpdateInput,
} from './contract.ts'
import { createGroup, deleteGroup, getGroup, listGroups, resetGroup, updateGroup } from './service.ts'
import {
  createGroupFrom,
  createGroupSnapshot,
  deleteGroupSnapshot,
  getGroupSnapshot,
  resetGroupSnapshot,
} from './snapshots.ts'
import { createGroupType, deleteGroupType, updateGroupType } from './types.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
let empty: Record<string, number>
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
  empty = await accounts(world, tenant.projectId)
})
afterAll(() => world.close())

const db = () => world.deps.root
const drivers = (host = 'a') => {
  const found = world.hosts.get(host)
  if (!found) throw new Error('the host is gone')
  return found.volumes
}
async function aVolume(patch: object = {}): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, ...patch }))
  await runPending(world.deps)
  return id
}
const aGroup = async (volumeIds: string[], patch: object = {}) =>
  (await createGroup(tenant, groupCreateInput.parse({ name: 'g', volumeIds, ...patch }))).id
const keep = (groupId: string) =>
  createGroupSnapshot(tenant, groupSnapshotCreateInput.parse({ groupId, name: 'both' }))
async function aSnapshot(groupId: string): Promise<string> {
  const { id } = await keep(groupId)
  await runPending(world.deps)
  return id
}
const change = (id: string, patch: object) => updateGroup(tenant, groupUpdateInput.parse({ id, ...patch }))
const drop = (id: string, volumes: 'keep' | 'delete' = 'delete') =>
  deleteGroup(tenant, groupDeleteInput.parse({ id, volumes }))
const last = async (resourceId: string, action: string) => ({
  operationId: (
    await db().operation.findFirstOrThrow({ where: { resourceId, action }, orderBy: { createdAt: 'desc' } })
  ).id,
  resourceId,
})
/** Deletes what the test has made; nothing is left anywhere. */
async function end(at = ''): Promise<void> {
  for (const { id } of await db().volumeGroupSnapshot.findMany({ where: { state: { not: 'deleting' } } }))
    await deleteGroupSnapshot(tenant, { id })
  await runPending(world.deps)
  for (const { id } of await db().volumeGroup.findMany()) await drop(id)
  for (const { id } of await db().volume.findMany({ where: { state: { not: 'deleting' } } }))
    await deleteVolume(tenant, { id })
  await runPending(world.deps)
  for (const host of ['a', 'b'])
    expect([...drivers(host).snapshots.keys(), ...drivers(host).volumes.keys()], at).toEqual([])
  expect(await accounts(world, tenant.projectId), at).toEqual(empty)
}

describe('groups', () => {
  test('take volumes of their types, of one project, each volume in one group', async () => {
    const [one, two] = [await aVolume(), await aVolume()]
    const group = await aGroup([one])
    expect(await getVolume(tenant, { id: one })).toMatchObject({ groupId: group })
    expect((await change(group, { add: [two], name: 'h' })).volumes.map(({ id }) => id)).toEqual([one, two])
    await expectCloudError(aGroup([one]), 'conflict', /in another group/)
    await change(group, { remove: [two] })
    await expectCloudError(change(group, { remove: [two] }), 'conflict', /not in this group/)
    await expectCloudError(change(group, { add: [two], remove: [two] }), 'invalid_input')
    const stranger = await testTenant(world)
    await expectCloudError(
      updateGroup(stranger, groupUpdateInput.parse({ id: group, name: 'x' })),
      'not_found',
    )
    await expectCloudError(createGroup(stranger, groupCreateInput.parse({ volumeIds: [two] })), 'not_found')
    await expectCloudError(
      createVolume(stranger, volumeCreateInput.parse({ sizeGib: 1, groupId: group })),
      'not_found',
    )
    const gold = await createVolumeType(admin, volumeTypeCreateInput.parse({ name: 'gold' }))
    const other = await aVolume({ type: 'gold' })
    await expectCloudError(change(group, { add: [other] }), 'conflict', /type gold/)
    await expectCloudError(aVolume({ type: 'gold', groupId: group }), 'conflict', /type gold/)
    await change(group, { add: [other], withTypes: true })
    const born = await aVolume({ type: 'gold', groupId: group })
    expect((await getGroup(tenant, { id: group })).volumes.map(({ id }) => id)).toEqual([one, other, born])
    await change(group, { remove: [other, born] })
    for (const id of [other, born]) await deleteVolume(tenant, { id })
    await runPending(world.deps)
    await expectCloudError(deleteVolumeType(admin, { id: gold.id }), 'conflict', /group of volumes/)
    await end()
    await deleteVolumeType(admin, { id: gold.id })
  })

  test('keep their volumes from being deleted or offered one by one', async () => {
    const volumeId = await aVolume()
    const group = await aGroup([volumeId])
    await expectCloudError(deleteVolume(tenant, { id: volumeId }), 'conflict', /in a group/)
    await expectCloudError(
      createTransfer(tenant, transferCreateInput.parse({ volumeId })),
      'conflict',
      /in a group/,
    )
    await drop(group, 'keep')
    expect(await getVolume(tenant, { id: volumeId })).toMatchObject({ groupId: null, state: 'available' })
    await end()
  })

  test('keep their volumes from going with an instance', async () => {
    const [id, volumeId] = [await running('with', 'a'), await on('a')]
    await attachVolume(tenant, { id, volumeId, deleteOnTermination: true })
    await runPending(world.deps)
    const groupId = await aGroup([volumeId])
    await deleteInstance(tenant, { id })
    await runPending(world.deps)
    expect(await getVolume(tenant, { id: volumeId })).toMatchObject({
      ...{ state: 'available', attachments: [], groupId },
    })
    await end()
  })

  test('are counted, listed for their project alone, and reset by administrators', async () => {
    const group = await aGroup([], { volumeTypes: ['Standard'] })
    expect((await accounts(world, tenant.projectId)).volumeGroups).toBe(1)
    await db().quotaUsage.updateMany({ where: { resource: 'volumeGroups' }, data: { used: 9 } })
    await proveUsage(admin)
    expect((await accounts(world, tenant.projectId)).volumeGroups).toBe(1)
    const stranger = await testTenant(world)
    expect((await listGroups(stranger, groupListInput.parse({}))).items).toEqual([])
    await expectCloudError(resetGroup(tenant, { id: group, to: 'error' }), 'forbidden')
    await resetGroup(admin, { id: group, to: 'error' })
    await expectCloudError(change(group, { name: 'x' }), 'conflict', /this one is in an error state/)
    await expectCloudError(aVolume({ groupId: group }), 'conflict')
    await end()
  })

  test('have types, which administrators make, and which stay while groups have them', async () => {
    const wish = groupTypeCreateInput.parse({ name: 'own', public: false })
    await expectCloudError(createGroupType(tenant, wish), 'forbidden')
    const { id } = await createGroupType(admin, wish)
    await expectCloudError(aGroup([], { type: 'own', volumeTypes: ['Standard'] }), 'not_found')
    await updateGroupType(admin, { id, public: true })
    await aGroup([], { type: 'own', volumeTypes: ['Standard'] })
    await expectCloudError(deleteGroupType(admin, { id }), 'conflict', /group has this type/)
    await end()
    await deleteGroupType(admin, { id })
  })
})

describe('group snapshots', () => {
  test('keep all volumes at one instant when one guest has them, and say so when several have', async () => {
    const guests = [await running('g1', 'a'), await running('g2', 'a')]
    const [one, two, three] = [await on('a'), await on('a'), await on('a')]
    for (const volumeId of [one, two]) await attach(guests[0] ?? '', volumeId)
    const group = await aGroup([one, two, three])
    const first = await aSnapshot(group)
    expect(await getGroupSnapshot(tenant, { id: first })).toMatchObject({
      state: 'available',
      isOneInstant: true,
      snapshots: [{ quiesced: true }, { quiesced: true }, { quiesced: true }],
    })
    await attach(guests[1] ?? '', three)
    expect(await getGroupSnapshot(tenant, { id: await aSnapshot(group) })).toMatchObject({
      isOneInstant: false,
    })
    await deleteInstances()
    await end()
  })

  test('say that the volumes of one guest in two pools were not kept at one instant', async () => {
    const place = { driver: 'files', path: '/srv/other' }
    const pool = await createPool(admin, poolCreateInput.parse({ name: 'other', place, capacityGib: 10 }))
    const extraSpecs = { volume_backend_name: 'other' }
    const type = await createVolumeType(admin, volumeTypeCreateInput.parse({ name: 'other', extraSpecs }))
    const guest = await running('g3', 'a')
    const volumes = [await on('a'), await aVolume({ type: 'other' })]
    const group = await aGroup(volumes)
    for (const volumeId of volumes) await attach(guest, volumeId)
    expect(await getGroupSnapshot(tenant, { id: await aSnapshot(group) })).toMatchObject({
      ...{ state: 'available', isOneInstant: false },
    })
    await deleteInstances()
    await end()
    await deleteVolumeType(admin, { id: type.id })
    await deletePool(admin, { name: pool.name })
  })

  test('are made on all hosts, and a failure on one of them is a failure of the whole', async () => {
    const group = await aGroup([await on('a'), await on('b')])
    const made = await aSnapshot(group)
    expect([drivers('a').snapshots.size, drivers('b').snapshots.size]).toEqual([1, 1])
    expect(await getGroupSnapshot(tenant, { id: made })).toMatchObject({ isOneInstant: true })
    drivers('b').failNext('ensureSnapshots', new DriverError('no_space', 'the disk is full'))
    const { id } = await keep(group)
    await runPending(world.deps)
    expect(await getGroupSnapshot(tenant, { id })).toMatchObject({
      state: 'error',
      error: expect.stringMatching(/space/),
      snapshots: [{ state: 'error' }, { state: 'error' }],
    })
    const parts = await world.deps.root.volumeSnapshot.findMany({ where: { groupSnapshotId: id } })
    const told = await world.deps.root.volumeMessage.findMany({
      where: { resource: 'VOLUME_SNAPSHOT', action: '009', reason: { contains: 'space' } },
    })
    expect(told.map(({ resourceId }) => resourceId).sort()).toEqual(parts.map((part) => part.id).sort())
    expect(told.every(({ projectId }) => projectId === tenant.projectId)).toBe(true)
    await end()
  })

  test('are whole: a part is not deleted alone, and the group stays as long as its snapshots', async () => {
    const group = await aGroup([await aVolume(), await aVolume()])
    const id = await aSnapshot(group)
    const { snapshots } = await getGroupSnapshot(tenant, { id })
    await expectCloudError(
      deleteSnapshot(tenant, { id: snapshots[0]?.id ?? '' }),
      'conflict',
      /part of a group snapshot/,
    )
    expect(groupCan.delete(await getGroup(tenant, { id: group }))).toMatch(/has snapshots/)
    await expectCloudError(drop(group), 'conflict', /has snapshots/)
    await expectCloudError(keep(await aGroup([], { volumeTypes: ['Standard'] })), 'conflict', /no volumes/)
    await resetGroupSnapshot(admin, { id, to: 'error' })
    await expectCloudError(createGroupFrom(tenant, groupFromInput.parse({ groupSnapshotId: id })), 'conflict')
    await end()
  })

  test('that lack a part after a deletion do not become available by an administrator', async () => {
    const group = await aGroup([await on('a'), await on('b')])
    const id = await aSnapshot(group)
    drivers('b').failNext('removeSnapshot', new DriverError('failed', 'damaged'))
    await deleteGroupSnapshot(tenant, { id })
    await runPending(world.deps)
    expect(await getGroupSnapshot(tenant, { id })).toMatchObject({ state: 'error_deleting' })
    await expectCloudError(resetGroupSnapshot(admin, { id, to: 'available' }), 'conflict', /deleted in part/)
    await resetGroupSnapshot(admin, { id, to: 'error' })
    await end()
  })

  test('and groups are what new groups are made of', async () => {
    const group = await aGroup([await aVolume({ name: 'x' }), await aVolume({ name: 'y', sizeGib: 2 })])
    const groupSnapshotId = await aSnapshot(group)
    for (const source of [{ groupSnapshotId }, { groupId: group }]) {
      const { id, state } = await createGroupFrom(tenant, groupFromInput.parse({ name: 'copy', ...source }))
      expect(state).toBe('creating')
      await expectCloudError(drop(id), 'conflict', /being made/)
      await runPending(world.deps)
      const copy = await getGroup(tenant, { id })
      expect(copy.state).toBe('available')
      expect(copy.volumes.map(({ name, sizeGib }) => `${name} ${sizeGib}`).sort()).toEqual([
        'copy-x 1',
        'copy-y 2',
      ])
    }
    await expectCloudError(createGroupFrom(tenant, groupFromInput.parse({})), 'invalid_input')
    drivers().failNext('ensureVolume', new DriverError('no_space', 'full'))
    drivers('b').failNext('ensureVolume', new DriverError('no_space', 'full'))
    const { id } = await createGroupFrom(tenant, groupFromInput.parse({ groupSnapshotId }))
    await runPending(world.deps)
    expect(await getGroup(tenant, { id })).toMatchObject({
      state: 'error',
      error: expect.stringMatching(/could not be made/),
    })
    await end()
  })

  test('have a day for the copies of which a new group is made', async () => {
    const group = await aGroup([await aVolume()])
    const { id } = await createGroupFrom(tenant, groupFromInput.parse({ name: 'copy', groupId: group }))
    const { operationId } = await last(id, 'volumeGroup.create')
    const run = () => runOperation(world.deps, operationId, { last: true })
    expect(await run()).toBe('waiting')
    // The volumes have 24 hours, and begin a little later than the group.
    await ageOperation(world.deps, operationId, 24.5 * 3_600_000)
    expect(await run()).toBe('waiting')
    await runPending(world.deps)
    expect((await getGroup(tenant, { id })).state).toBe('available')
    await end()
  })

  test('go with their project', async () => {
    const group = await aGroup([await aVolume()])
    await aSnapshot(group)
    const system = { ...admin }
    for (let n = 0; n < 4; n += 1)
      for (const thing of volumeContents) {
        await thing.remove(system, tenant.projectId)
        await runPending(world.deps)
      }
    expect(await db().volumeGroup.count()).toBe(0)
    await end()
  })
})

describe('a failure or crash at any step', () => {
  test('of making a group snapshot leaves all of it or an error', async () => {
    await failEveryStep(world.deps, {
      action: 'volumeGroupSnapshot.create',
      start: async () =>
        last((await keep(await aGroup([await aVolume(), await aVolume()]))).id, 'volumeGroupSnapshot.create'),
      async afterFailure(id, at) {
        const state = at.includes('fails after') ? 'available' : 'error'
        const seen = await getGroupSnapshot(tenant, { id })
        expect(seen, at).toMatchObject({ state, snapshots: [{ state }, { state }] })
        await end(at)
      },
      async afterSuccess(id, at) {
        expect(await getGroupSnapshot(tenant, { id }), at).toMatchObject({ state: 'available' })
        await end(at)
      },
    })
  }, 60_000)

  test('of making a group of another one leaves a group that can be deleted', async () => {
    await failEveryStep(world.deps, {
      action: 'volumeGroup.create',
      async start() {
        const groupId = await aGroup([await aVolume()])
        const { id, volumes } = await createGroupFrom(tenant, groupFromInput.parse({ groupId }))
        for (const volume of volumes) await ended(volume.id, 'volume.create')
        return last(id, 'volumeGroup.create')
      },
      async afterFailure(id, at) {
        const state = at.includes('fails after') ? 'available' : 'error'
        expect(await getGroup(tenant, { id }), at).toMatchObject({ state })
        await runPending(world.deps)
        await end(at)
      },
      async afterSuccess(id, at) {
        expect(await getGroup(tenant, { id }), at).toMatchObject({ state: 'available' })
        await end(at)
      },
    })
  }, 60_000)

  test('of deleting a group snapshot leaves nothing, or one that can be deleted again', async () => {
    await failEveryStep(world.deps, {
      action: 'volumeGroupSnapshot.delete',
      async start() {
        const id = await aSnapshot(await aGroup([await aVolume()]))
        const { snapshots } = await getGroupSnapshot(tenant, { id })
        await deleteGroupSnapshot(tenant, { id })
        for (const one of snapshots) await ended(one.id, 'volumeSnapshot.delete')
        return last(id, 'volumeGroupSnapshot.delete')
      },
      async afterFailure(id, at) {
        const row = await db().volumeGroupSnapshot.findUnique({ where: { id } })
        expect(row?.state, at).toBe(at.endsWith('after forget') ? undefined : 'error_deleting')
        await runPending(world.deps)
        await end(at)
      },
      afterSuccess: (_id, at) => end(at),
    })
  }, 60_000)
})

async function running(name: string, host: string): Promise<string> {
  const place = { networkIds: [tenant.networkId], hostName: `secret-name-${host}` }
  const { instances } = await launchInstances(admin, aLaunch(world, { name, ...place }))
  await runPending(world.deps)
  return instances[0]?.id ?? ''
}
/** Ends an operation for which another one waits. */
async function ended(id: string, action: string): Promise<void> {
  await runToEnd(world.deps, (await last(id, action)).operationId, { last: true })
}
async function on(host: string): Promise<string> {
  const { id: hostId } = await db().host.findFirstOrThrow({ where: { name: `secret-name-${host}` } })
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }), { hostId })
  await runPending(world.deps)
  return id
}
async function attach(id: string, volumeId: string): Promise<void> {
  await attachVolume(tenant, { id, volumeId })
  await runPending(world.deps)
}
async function deleteInstances(): Promise<void> {
  for (const { id } of await db().instance.findMany())
    await deleteInstance(tenant, { id, releasePublicIp: true })
  await runPending(world.deps)
}
