import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { Crash, type Probe, runOperation } from '../../kernel/run.ts'
import { ageOperation, expectCloudError, runPending, runToEnd, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createVolume, extendVolume, getVolume } from '../service.ts'
import { snapshotCreateInput } from './contract.ts'
import { createSnapshot, getSnapshot, resetSnapshot, revertVolume } from './service.ts'
import { deleteSnapshot } from './trash.ts'

let world: World
let tenant: Ctx & { projectId: string }
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
})
afterAll(() => world.close())

const make = (volumeId: string) => createSnapshot(tenant, snapshotCreateInput.parse({ volumeId }))
async function aVolume(): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }))
  await runPending(world.deps)
  return id
}
async function aSnapshot(volumeId: string): Promise<string> {
  const { id } = await make(volumeId)
  await runPending(world.deps)
  return id
}
/** Counts the returns that the host has been asked for, by the snapshot. */
function watched(): string[] {
  const volumes = world.hosts.get('a')?.volumes
  if (!volumes) throw new Error('the host is gone')
  const asked: string[] = []
  const { revertVolume: real } = volumes
  volumes.revertVolume = (op, spec) => {
    asked.push(spec.snapshotId)
    return real(op, spec)
  }
  return asked
}
const operationOf = async (resourceId: string) =>
  world.deps.root.operation.findFirstOrThrow({
    where: { resourceId, action: 'volume.revert' },
    orderBy: { createdAt: 'desc' },
  })
/** Runs the operation up to the moment when its step has done everything and is not recorded yet. */
async function crashAfterStep(operationId: string): Promise<void> {
  const probe: Probe = ({ when }) => {
    if (when === 'after') throw new Crash('kill -9')
  }
  await expect(runToEnd(world.deps, operationId, { last: false, probe })).rejects.toBeInstanceOf(Crash)
}

test('a snapshot or a copy that is being made of the volume has its turn before the volume goes back', async () => {
  const id = await aVolume()
  const snapshotId = await aSnapshot(id)
  const { id: safety } = await make(id)
  await expectCloudError(revertVolume(tenant, { id, snapshotId }), 'conflict', /snapshot.*is being made/)
  await runPending(world.deps)
  await deleteSnapshot(tenant, { id: safety })
  await expectCloudError(revertVolume(tenant, { id, snapshotId }), 'conflict', /snapshot.*is being deleted/)
  await runPending(world.deps)
  await createVolume(tenant, volumeCreateInput.parse({ sourceVolumeId: id }))
  await expectCloudError(revertVolume(tenant, { id, snapshotId }), 'conflict', /copy of this volume/)
  await runPending(world.deps)
  await revertVolume(tenant, { id, snapshotId })
  await runPending(world.deps)
  expect((await getVolume(tenant, { id })).state).toBe('available')
})

test('a volume does not grow while a snapshot or a copy of it is being made', async () => {
  const id = await aVolume()
  await make(id)
  await expectCloudError(extendVolume(tenant, { id, sizeGib: 2 }), 'conflict', /snapshot.*is being made/)
  await runPending(world.deps)
  await createVolume(tenant, volumeCreateInput.parse({ sourceVolumeId: id }))
  await expectCloudError(extendVolume(tenant, { id, sizeGib: 2 }), 'conflict', /copy of this volume/)
  await runPending(world.deps)
  await extendVolume(tenant, { id, sizeGib: 2 })
  await runPending(world.deps)
})

test('what is written after a return stays, also when the worker died before it recorded the step', async () => {
  const id = await aVolume()
  const [first, second] = [await aSnapshot(id), await aSnapshot(id)]
  const asked = watched()
  await revertVolume(tenant, { id, snapshotId: first })
  const { id: operationId } = await operationOf(id)
  await crashAfterStep(operationId)
  expect((await getVolume(tenant, { id })).state).toBe('available')
  expect(asked).toEqual([first])
  // Somebody attaches the volume, writes and detaches it. The step runs again afterwards.
  await runToEnd(world.deps, operationId, { last: false })
  expect(asked).toEqual([first])

  // The same when another return has begun by then, whose state is no reason to repeat the first one.
  await revertVolume(tenant, { id, snapshotId: first })
  const { id: repeated } = await operationOf(id)
  await crashAfterStep(repeated)
  await revertVolume(tenant, { id, snapshotId: second })
  await runToEnd(world.deps, repeated, { last: false })
  expect((await getVolume(tenant, { id })).state).toBe('reverting')
  await runPending(world.deps)
  expect(asked).toEqual([first, first, second])
  expect((await getVolume(tenant, { id })).state).toBe('available')
  expect((await getSnapshot(tenant, { id: second })).state).toBe('available')
})

test('a return may take hours, because Ceph writes each object of the image', async () => {
  const id = await aVolume()
  const snapshotId = await aSnapshot(id)
  const volumes = world.hosts.get('a')?.volumes
  if (!volumes) throw new Error('the host is gone')
  const copying = vi.spyOn(volumes, 'revertVolume').mockResolvedValue(null)
  await revertVolume(tenant, { id, snapshotId })
  const { id: operationId } = await operationOf(id)
  expect(await runOperation(world.deps, operationId, { last: true })).toBe('waiting')
  await ageOperation(world.deps, operationId, 20 * 3_600_000)
  expect(await runOperation(world.deps, operationId, { last: true })).toBe('waiting')
  expect((await getVolume(tenant, { id })).state).toBe('reverting')
  copying.mockRestore()
  await runPending(world.deps)
  expect((await getVolume(tenant, { id })).state).toBe('available')
})

test('the volume and the snapshot leave a return together', async () => {
  const id = await aVolume()
  const snapshotId = await aSnapshot(id)
  await revertVolume(tenant, { id, snapshotId })
  // The snapshot's part of the end fails, and so nothing of the end is written.
  await world.deps.root.$executeRaw`
    ALTER TABLE "VolumeSnapshot" ADD CONSTRAINT "broken" CHECK ("state" <> 'available') NOT VALID`
  const { id: operationId } = await operationOf(id)
  try {
    await runOperation(world.deps, operationId, { last: false }).catch(() => undefined)
    expect((await getVolume(tenant, { id })).state).toBe('reverting')
  } finally {
    await world.deps.root.$executeRaw`ALTER TABLE "VolumeSnapshot" DROP CONSTRAINT "broken"`
  }
  await runPending(world.deps)
  expect((await getSnapshot(tenant, { id: snapshotId })).state).not.toBe('restoring')
})

test('an administrator takes no snapshot away to which its volume is going back', async () => {
  const id = await aVolume()
  const snapshotId = await aSnapshot(id)
  await revertVolume(tenant, { id, snapshotId })
  await expectCloudError(
    resetSnapshot(admin, { id: snapshotId, to: 'available' }),
    'conflict',
    /volume is going back/,
  )
  await expectCloudError(
    deleteSnapshot(admin, { id: snapshotId, force: true }),
    'conflict',
    /volume is going back/,
  )
  await runPending(world.deps)
  await resetSnapshot(admin, { id: snapshotId, to: 'error' })
  await deleteSnapshot(admin, { id: snapshotId, force: true })
  await runPending(world.deps)
})
