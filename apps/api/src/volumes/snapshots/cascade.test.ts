import { afterAll, beforeAll, expect, test } from 'vitest'
import { accounts, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, failEveryStep, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createVolume, deleteVolume, deleteVolumeWithSnapshots } from '../service.ts'
import { snapshotCreateInput } from './contract.ts'
import { createSnapshot, deleteSnapshot } from './service.ts'

let world: World
let tenant: Ctx & { projectId: string }
let empty: Record<string, number>
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  await runPending(world.deps)
  empty = await accounts(world, tenant.projectId)
})
afterAll(() => world.close())

const db = () => world.deps.root
async function aVolume(): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }))
  await runPending(world.deps)
  return id
}
async function withSnapshots(): Promise<string> {
  const volumeId = await aVolume()
  for (const name of ['first', 'second'])
    await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId, name }))
  await runPending(world.deps)
  return volumeId
}
const states = async (volumeId: string) => ({
  volume: (await db().volume.findUnique({ where: { id: volumeId } }))?.state,
  snapshots: (await db().volumeSnapshot.findMany({ where: { volumeId } })).map(({ state }) => state),
})
async function nothingIsLeft(at: string): Promise<void> {
  const volumes = world.hosts.get('a')?.volumes
  expect([...(volumes?.snapshots.keys() ?? []), ...(volumes?.volumes.keys() ?? [])], at).toEqual([])
  expect(await accounts(world, tenant.projectId), at).toEqual(empty)
}

test('a failure or crash at any step leaves nothing, or a volume that can be deleted again', async () => {
  await failEveryStep(world.deps, {
    action: 'volume.delete',
    async start() {
      const id = await withSnapshots()
      await deleteVolumeWithSnapshots(tenant, { id })
      const where = { resourceId: id, action: 'volume.delete' }
      const { id: operationId } = await db().operation.findFirstOrThrow({
        where,
        orderBy: { createdAt: 'desc' },
      })
      return { operationId, resourceId: id }
    },
    async afterFailure(id, at) {
      const { volume, snapshots } = await states(id)
      expect(volume, at).toBe(at.endsWith('after forget') ? undefined : 'error_deleting')
      // Those that were not removed yet can be deleted alone, or again with the volume.
      for (const state of snapshots) expect(state, at).toBe('error_deleting')
      if (volume) await deleteVolumeWithSnapshots(tenant, { id })
      await runPending(world.deps)
      await nothingIsLeft(at)
    },
    afterSuccess: (_id, at) => nothingIsLeft(at),
  })
}, 60_000)

test('one snapshot on which something is done keeps all of it', async () => {
  const id = await withSnapshots()
  await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id, name: 'late' }))
  await expectCloudError(
    deleteVolumeWithSnapshots(tenant, { id }),
    'conflict',
    /The snapshot late: .*creating/,
  )
  expect((await states(id)).volume).toBe('available')
  await runPending(world.deps)
  const stranger = await testCtx(world.deps)
  await expectCloudError(deleteVolumeWithSnapshots(stranger, { id }), 'not_found')
  const reader = await testCtx(world.deps, { role: 'reader', projectId: tenant.projectId })
  await expectCloudError(deleteVolumeWithSnapshots(reader, { id }), 'forbidden')
  const [one] = await db().volumeSnapshot.findMany({ where: { volumeId: id } })
  await deleteSnapshot(tenant, { id: one?.id ?? '' })
  await expectCloudError(deleteVolumeWithSnapshots(tenant, { id }), 'conflict', /deleting/)
  await runPending(world.deps)
  await deleteVolumeWithSnapshots(tenant, { id })
  await expectCloudError(deleteVolumeWithSnapshots(tenant, { id }), 'conflict', /deleting/)
  await runPending(world.deps)
  await nothingIsLeft('after all')
})

test('the snapshots of other volumes stay', async () => {
  const [id, other] = [await withSnapshots(), await withSnapshots()]
  await deleteVolumeWithSnapshots(tenant, { id })
  await runPending(world.deps)
  expect(await states(other)).toEqual({ volume: 'available', snapshots: ['available', 'available'] })
  await expectCloudError(deleteVolume(tenant, { id: other }), 'conflict', /2 snapshots/)
  await deleteVolumeWithSnapshots(tenant, { id: other })
  await runPending(world.deps)
  await nothingIsLeft('after all')
})
