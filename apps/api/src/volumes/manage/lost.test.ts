import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createSnapshot, createVolume } from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { lostIn } from './lost.ts'

let world: World
let tenant: Ctx
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin' })
})
afterAll(() => world.close())

const input = { pool: 'secret-name-a@local' }
const lost = async () => (await lostIn(admin, input)).items.map(({ kind, id }) => `${kind} ${id}`)

test('what does not lie in its pool any more is told, and nothing else', async () => {
  expect(await lost()).toEqual([])
  const { id: volumeId } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }))
  await runPending(world.deps)
  const { id } = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId }))
  await runPending(world.deps)
  expect(await lost()).toEqual([])
  const volumes = world.hosts.get('a')?.volumes
  if (!volumes) throw new Error('there is no host')
  vi.spyOn(volumes, 'listVolumes').mockResolvedValue([])
  vi.spyOn(volumes, 'listSnapshots').mockResolvedValue([])
  expect(await lost()).toEqual([`volume ${volumeId}`, `volumeSnapshot ${id}`])
  const trashedUntil = new Date(Date.now() + 60_000)
  await world.deps.root.volumeSnapshot.update({ where: { id }, data: { trashedUntil } })
  expect(await lost()).toEqual([`volume ${volumeId}`])
  // Nobody misses what was never made or is being removed.
  await world.deps.root.volumeSnapshot.update({ where: { id }, data: { state: 'deleting' } })
  await world.deps.root.volume.update({ where: { id: volumeId }, data: { state: 'creating' } })
  expect(await lost()).toEqual([])
  await expectCloudError(lostIn(tenant, input), 'forbidden')
})
