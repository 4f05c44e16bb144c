import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import {
  acceptTransfer,
  createSnapshot,
  createTransfer,
  createVolume,
  deleteSnapshot,
  deleteVolume,
  endSnapshot,
  getVolume,
  reimageVolume,
  takeBackSnapshot,
} from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { transferCreateInput } from './contract.ts'

let world: World
let giver: Ctx
let taker: Ctx & { projectId: string }
beforeAll(async () => {
  world = await testWorld(['a'])
  giver = await testTenant(world)
  taker = await testTenant(world)
  await runPending(world.deps)
})
afterAll(() => world.close())

async function aVolume(patch: object = { sizeGib: 1 }): Promise<string> {
  const { id } = await createVolume(giver, volumeCreateInput.parse(patch))
  await runPending(world.deps)
  return id
}
async function aSnapshot(volumeId: string): Promise<string> {
  const { id } = await createSnapshot(giver, snapshotCreateInput.parse({ volumeId }))
  await runPending(world.deps)
  return id
}
const offer = (volumeId: string) => createTransfer(giver, transferCreateInput.parse({ volumeId }))

test('a volume that shares bytes with a volume that stays behind goes to no other project', async () => {
  const [origin, kept] = [await aVolume(), await aVolume()]
  const copy = await aVolume({ sourceVolumeId: origin })
  const ofSnapshot = await aVolume({ snapshotId: await aSnapshot(kept) })
  for (const id of [origin, copy, kept, ofSnapshot])
    await expectCloudError(offer(id), 'conflict', /shares data with another.*Copy what it contains/)
  expect((await getVolume(giver, { id: kept })).state).toBe('available')
})

test('volumes share bytes also when the snapshot or the copy in between is deleted', async () => {
  const [one, other] = [await aVolume(), await aVolume()]
  const snapshotId = await aSnapshot(one)
  await aVolume({ snapshotId })
  await deleteSnapshot(giver, { id: snapshotId })
  const between = await aVolume({ sourceVolumeId: other })
  await aVolume({ sourceVolumeId: between })
  await deleteVolume(giver, { id: between })
  await runPending(world.deps)
  await world.deps.root.volume.deleteMany({ where: { id: between } })
  for (const id of [one, other]) await expectCloudError(offer(id), 'conflict', /shares data/)
})

test('a volume of whose snapshot another volume is made after the offer stays where it is', async () => {
  const volumeId = await aVolume()
  const snapshotId = await aSnapshot(volumeId)
  const { id, key } = await offer(volumeId)
  await aVolume({ snapshotId })
  await expectCloudError(acceptTransfer(taker, { id, key }), 'conflict', /shares data/)
  expect((await getVolume(giver, { id: volumeId })).state).toBe('awaiting-transfer')
})

test('a copy shares bytes also when an image was written onto it, because its snapshots keep what it was', async () => {
  const copy = await aVolume({ sourceVolumeId: await aVolume({ sizeGib: 3 }) })
  await aSnapshot(copy)
  await reimageVolume(giver, { id: copy, imageId: world.imageId })
  await runPending(world.deps)
  expect(await getVolume(giver, { id: copy })).toMatchObject({ state: 'available', sourceVolumeId: null })
  await expectCloudError(offer(copy), 'conflict', /shares data/)
})

test('a volume whose snapshot its owner deletes after the offer stays where it is until the snapshot is gone', async () => {
  world.deps.config.takeBackMs = 600_000
  try {
    const volumeId = await aVolume()
    const snapshotId = await aSnapshot(volumeId)
    const { id, key } = await offer(volumeId)
    await deleteSnapshot(giver, { id: snapshotId })
    await expectCloudError(acceptTransfer(taker, { id, key }), 'conflict', /deleted a snapshot/)
    await expectCloudError(takeBackSnapshot(taker, { id: snapshotId }), 'not_found')
    await endSnapshot(giver, { id: snapshotId })
    await expectCloudError(acceptTransfer(taker, { id, key }), 'conflict', /deleted a snapshot/)
    await runPending(world.deps)
    const { volume } = await acceptTransfer(taker, { id, key })
    expect(volume.projectId).toBe(taker.projectId)
  } finally {
    world.deps.config.takeBackMs = 0
  }
})

test('an administrator makes nothing in another project that shares bytes with a volume', async () => {
  const admin = await testCtx(world.deps, { role: 'admin', projectId: taker.projectId })
  const origin = await aVolume()
  const snapshotId = await aSnapshot(origin)
  for (const from of [{ sourceVolumeId: origin }, { snapshotId }])
    await expectCloudError(
      createVolume(admin, volumeCreateInput.parse(from)),
      'conflict',
      /belongs to another project.*restore the backup/,
    )
  const here = { ...admin, scope: giver.scope }
  expect(await createVolume(here, volumeCreateInput.parse({ snapshotId }))).toMatchObject({ snapshotId })
})
