import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchInstances } from '../compute/instances/launch.ts'
import { attachVolume } from '../compute/instances/volumes.ts'
import { accounts, aLaunch, testTenant, testWorld, type World } from '../compute/testing.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { expectCloudError, failEveryStep, runPending, testCtx } from '../kernel/testing.ts'
import { volumeCreateInput } from './contract.ts'
import { volumeLeftovers } from './reconcile.ts'
import { lockVolume } from './row.ts'
import {
  changeMetadata,
  createSnapshot,
  createVolume,
  deleteSnapshot,
  deleteVolume,
  extendVolume,
  forceDeleteVolume,
  getVolume,
  getVolumeType,
  listVolumeTypes,
  resetVolume,
  setBootable,
  setReadOnly,
  updateVolume,
} from './service.ts'
import { snapshotCreateInput } from './snapshots/contract.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
let empty: Record<string, number>
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
  empty = await accounts(world, tenant.projectId)
})
afterAll(() => world.close())

const db = () => world.deps.root
const onHost = (id: string) => world.hosts.get('a')?.volumes.volumes.get(id)
const make = (patch: object = {}) => createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, ...patch }))
async function aVolume(patch: object = {}): Promise<string> {
  const { id } = await make(patch)
  await runPending(world.deps)
  return id
}
const stateOf = async (id: string) => (await db().volume.findUnique({ where: { id } }))?.state
const last = async (resourceId: string, action: string) => ({
  operationId: (
    await db().operation.findFirstOrThrow({ where: { resourceId, action }, orderBy: { createdAt: 'desc' } })
  ).id,
  resourceId,
})
/** Deletes what the test has made; nothing of the volume is left anywhere. */
async function end(id: string, at: string): Promise<void> {
  if ((await stateOf(id)) !== undefined) await deleteVolume(tenant, { id })
  await runPending(world.deps)
  expect(await stateOf(id), at).toBeUndefined()
  expect(onHost(id), at).toBeUndefined()
  expect(await accounts(world, tenant.projectId), at).toEqual(empty)
}

describe('a failure or crash at any step', () => {
  test('of making a volume leaves the volume available, or in an error state with the reason', async () => {
    await failEveryStep(world.deps, {
      action: 'volume.create',
      async start() {
        const { id } = await make({ imageId: world.imageId })
        return last(id, 'volume.create')
      },
      async afterFailure(id, at) {
        const isMade = at.includes('fails after')
        expect(await getVolume(tenant, { id }), at).toMatchObject(
          isMade ? { state: 'available', error: null } : { state: 'error', error: 'Injected failure.' },
        )
        await end(id, at)
      },
      async afterSuccess(id, at) {
        expect(await stateOf(id), at).toBe('available')
        expect(onHost(id), at).toMatchObject({ base: 'a'.repeat(64), sizeBytes: 1024 ** 3 })
        await end(id, at)
      },
    })
  }, 60_000)

  test('of making a volume larger leaves the volume with one of both sizes, also in the quota', async () => {
    await failEveryStep(world.deps, {
      action: 'volume.extend',
      async start() {
        const id = await aVolume()
        await extendVolume(tenant, { id, sizeGib: 5 })
        return last(id, 'volume.extend')
      },
      async afterFailure(id, at) {
        const isMade = at.includes('fails after')
        const { state, sizeGib } = await getVolume(tenant, { id })
        expect([state, sizeGib], at).toEqual(isMade ? ['available', 5] : ['error_extending', 1])
        expect((await accounts(world, tenant.projectId)).volumeGib, at).toBe(sizeGib)
        await end(id, at)
      },
      async afterSuccess(id, at) {
        expect(await getVolume(tenant, { id }), at).toMatchObject({ state: 'available', sizeGib: 5 })
        expect(onHost(id)?.sizeBytes, at).toBe(5 * 1024 ** 3)
        await end(id, at)
      },
    })
  }, 60_000)

  test('of deleting a volume leaves nothing, or a volume that can be deleted again', async () => {
    await failEveryStep(world.deps, {
      action: 'volume.delete',
      async start() {
        const id = await aVolume()
        await deleteVolume(tenant, { id })
        return last(id, 'volume.delete')
      },
      async afterFailure(id, at) {
        expect(await stateOf(id), at).toBe(at.endsWith('after forget') ? undefined : 'error_deleting')
        await end(id, at)
      },
      afterSuccess: end,
    })
  }, 60_000)
})

describe('a host that does not answer', () => {
  test('may have made a volume larger, so that the room stays reserved until it is known', async () => {
    const id = await aVolume()
    const used = async () => {
      const { volumeGib = 0, hostDiskGib = 0 } = await accounts(world, tenant.projectId)
      return [volumeGib, hostDiskGib - (empty.hostDiskGib ?? 0)]
    }
    const grow = async (sizeGib: number, error?: DriverError) => {
      if (error) world.hosts.get('a')?.volumes.failNext('growVolume', error)
      await extendVolume(tenant, { id, sizeGib })
      await runPending(world.deps)
      const { state, sizeGib: size } = await getVolume(tenant, { id })
      return [state, size, ...(await used())]
    }
    const silent = new DriverError('unavailable', 'silent')
    expect(await grow(5, silent)).toEqual(['error_extending', 1, 5, 5])
    expect(await grow(7, new DriverError('no_space', 'full'))).toEqual(['error_extending', 1, 5, 5])
    expect(await grow(3, silent)).toEqual(['error_extending', 1, 5, 5])
    expect(await grow(4)).toEqual(['available', 4, 4, 4])
    await end(id, 'after all')
  })

  test('and may have made a volume larger has room for a snapshot and a copy of that size', async () => {
    const id = await aVolume()
    world.hosts.get('a')?.volumes.failNext('growVolume', new DriverError('unavailable', 'silent'))
    await extendVolume(tenant, { id, sizeGib: 5 })
    await runPending(world.deps)
    await resetVolume(admin, { id, to: 'available' })
    const found = onHost(id)
    if (found) found.sizeBytes = 5 * 1024 ** 3
    const snapshot = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
    const copy = await make({ sizeGib: undefined, sourceVolumeId: id })
    expect([snapshot.sizeGib, copy.sizeGib]).toEqual([5, 5])
    expect((await accounts(world, tenant.projectId)).volumeGib).toBe(15)
    await runPending(world.deps)
    expect((await getVolume(tenant, { id: copy.id })).state).toBe('available')
    await deleteVolume(tenant, { id: copy.id })
    await deleteSnapshot(tenant, { id: snapshot.id })
    await runPending(world.deps)
    await end(id, 'after all')
  })

  test('and knows volumes and no snapshots loses deleted volumes', async () => {
    const id = await aVolume()
    world.faults.set('a', 'refuses')
    await db().host.updateMany({ data: { state: 'fenced' } })
    try {
      await deleteVolume(tenant, { id })
      await runPending(world.deps)
    } finally {
      world.faults.delete('a')
      await db().host.updateMany({ data: { state: 'up' } })
    }
    world.hosts.get('a')?.volumes.failNext('listSnapshots', new DriverError('unsupported', 'no such method'))
    await volumeLeftovers.run(world.system)
    expect(onHost(id)).toBeUndefined()
  })

  test('and is declared to be off loses its volumes, and their data when it is back', async () => {
    const id = await aVolume()
    const is = (state: string) => db().host.updateMany({ data: { state } })
    world.faults.set('a', 'refuses')
    await is('fenced')
    try {
      await deleteVolume(tenant, { id })
      await runPending(world.deps)
      expect(await stateOf(id)).toBeUndefined()
      expect(await accounts(world, tenant.projectId)).toEqual(empty)
      expect(onHost(id)).toBeDefined()
    } finally {
      world.faults.delete('a')
      await is('up')
    }
    await volumeLeftovers.run(world.system)
    expect(onHost(id)).toBeUndefined()
  })
})

test('the sentence that nothing is free says whose pool or machine is full', async () => {
  const id = await aVolume()
  const snapshot = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
  await runPending(world.deps)
  const { projectId } = tenant
  await db().quotaLimit.create({ data: { projectId, resource: 'volumeGib', limit: 9_000 } })
  const huge = { sizeGib: 5_000 }
  await expectCloudError(
    make({ ...huge, snapshotId: snapshot.id }),
    'no_capacity',
    /pool of the snapshot has/,
  )
  await expectCloudError(make({ ...huge, sourceVolumeId: id }), 'no_capacity', /pool of the volume has/)
  const { hostId } = await db().volumePool.findFirstOrThrow()
  const forInstance = createVolume(tenant, volumeCreateInput.parse(huge), { hostId: hostId ?? '' })
  await expectCloudError(forInstance, 'no_capacity', /machine of the instance has/)
  await db().quotaLimit.deleteMany({ where: { projectId } })
  await deleteSnapshot(tenant, { id: snapshot.id })
  await runPending(world.deps)
  await end(id, 'after all')
})

test('a stranger does not wait for the row of a volume that he may not see', async () => {
  const id = await aVolume()
  const stranger = await testCtx(world.deps)
  await inTransaction(tenant, async (tx) => {
    await lockVolume(tx, 'volume:update', id)
    await expectCloudError(updateVolume(stranger, { id, name: 'mine' }), 'not_found')
  })
  await end(id, 'after all')
})

describe('changes that only members may make', () => {
  test('of the metadata happen one after the other, so that none is lost', async () => {
    const id = await aVolume()
    await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        changeMetadata(tenant, id, (before) => ({ ...before, [`key${n}`]: String(n) })),
      ),
    )
    expect(Object.keys((await getVolume(tenant, { id })).metadata)).toHaveLength(8)
    await updateVolume(tenant, { id, name: 'renamed' })
    expect(Object.keys((await getVolume(tenant, { id })).metadata)).toHaveLength(8)
  })

  test('of the flags are kept, and a volume becomes read-only only while it is available', async () => {
    const { id } = await make()
    await expectCloudError(setReadOnly(tenant, { id, readOnly: true }), 'conflict', /being made/)
    await runPending(world.deps)
    await setReadOnly(tenant, { id, readOnly: true })
    await setBootable(tenant, { id, bootable: true })
    expect(await getVolume(tenant, { id })).toMatchObject({ readOnly: true, bootable: true })
    await updateVolume(tenant, { id, readOnly: false, bootable: false })
    expect(await getVolume(tenant, { id })).toMatchObject({ readOnly: false, bootable: false })
    await db().volume.update({ where: { id }, data: { state: 'in-use' } })
    await updateVolume(tenant, { id, readOnly: false, name: 'same' })
    await expectCloudError(updateVolume(tenant, { id, readOnly: true }), 'conflict', /in use/)
    await db().volume.update({ where: { id }, data: { state: 'available' } })
    const reader = await testCtx(world.deps, { role: 'reader', projectId: tenant.projectId })
    const stranger = await testCtx(world.deps)
    for (const act of [
      (ctx: Ctx) => setReadOnly(ctx, { id, readOnly: false }),
      (ctx: Ctx) => setBootable(ctx, { id, bootable: false }),
      (ctx: Ctx) => changeMetadata(ctx, id, () => ({})),
    ]) {
      await expectCloudError(act(reader), 'forbidden')
      await expectCloudError(act(stranger), 'not_found')
    }
  })
})

describe('an administrator', () => {
  test('sets the state of a stuck volume to one that is true of the volume', async () => {
    const id = await aVolume()
    await expectCloudError(resetVolume(tenant, { id, to: 'error' }), 'forbidden')
    await resetVolume(admin, { id, to: 'error' })
    expect(await getVolume(tenant, { id })).toMatchObject({
      state: 'error',
      error: 'An administrator has set this state.',
    })
    await expectCloudError(resetVolume(admin, { id, to: 'in-use' }), 'conflict')
    await resetVolume(admin, { id, to: 'available' })
    await extendVolume(tenant, { id, sizeGib: 2 })
    await expectCloudError(resetVolume(admin, { id, to: 'available' }), 'conflict', /being done/)
    await runPending(world.deps)
    expect(await getVolume(tenant, { id })).toMatchObject({ state: 'available', sizeGib: 2 })
    const { instances } = await launchInstances(tenant, aLaunch(world))
    await runPending(world.deps)
    await attachVolume(tenant, { id: instances[0]?.id ?? '', volumeId: id })
    await expectCloudError(resetVolume(admin, { id, to: 'in-use' }), 'conflict', /being done to the instance/)
    await runPending(world.deps)
    await db().volume.update({ where: { id }, data: { state: 'detaching' } })
    await db().volumeAttachment.updateMany({ where: { volumeId: id }, data: { state: 'detaching' } })
    for (const to of ['available', 'error'] as const)
      await expectCloudError(resetVolume(admin, { id, to }), 'conflict', /instance has this volume/)
    await resetVolume(admin, { id, to: 'in-use' })
    expect(await getVolume(admin, { id })).toMatchObject({
      state: 'in-use',
      attachments: [{ state: 'attached', host: 'secret-name-a' }],
    })
    expect((await getVolume(tenant, { id })).attachments[0]?.host).toBeNull()
    await expectCloudError(forceDeleteVolume(admin, { id }), 'conflict', /instance has this volume/)
  })

  test('deletes a volume in any state that no instance has, and nothing is left', async () => {
    const before = await accounts(world, tenant.projectId)
    const { id } = await make()
    await expectCloudError(deleteVolume(tenant, { id }), 'conflict', /being made/)
    await expectCloudError(forceDeleteVolume(tenant, { id }), 'forbidden')
    await forceDeleteVolume(admin, { id })
    await runPending(world.deps)
    expect(await stateOf(id)).toBeUndefined()
    expect(onHost(id)).toBeUndefined()
    expect(await accounts(world, tenant.projectId)).toEqual(before)
  })
})

test('a type that is not public is only for administrators', async () => {
  const hidden = { id: crypto.randomUUID(), name: 'hidden', public: false }
  await db().volumeType.create({ data: hidden })
  expect((await listVolumeTypes(tenant)).map(({ name }) => name)).toEqual(['Standard'])
  expect((await listVolumeTypes(admin)).map(({ name }) => name)).toEqual(['Standard', 'hidden'])
  await expectCloudError(getVolumeType(tenant, { id: hidden.id }), 'not_found')
  expect(await getVolumeType(admin, { id: hidden.id })).toMatchObject(hidden)
  await expectCloudError(make({ type: 'hidden' }), 'invalid_input')
})
