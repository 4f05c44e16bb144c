import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { runPending, testCtx } from '../../kernel/testing.ts'
import { poolCreateInput, volumeCreateInput, volumeTypeCreateInput } from '../contract.ts'
import { createSnapshot, createVolume } from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { createVolumeType } from '../types/service.ts'
import { poolCounters } from './counters.ts'
import { createPool } from './service.ts'

let world: World
let tenant: Ctx
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  const admin = await testCtx(world.deps, { role: 'admin' })
  await runPending(world.deps)
  for (const name of ['one', 'two']) {
    const place = { driver: 'files', path: `/srv/${name}` }
    await createPool(admin, poolCreateInput.parse({ name, place, capacityGib: 100 }))
    const extraSpecs = { volume_backend_name: name }
    await createVolumeType(admin, volumeTypeCreateInput.parse({ name, extraSpecs }))
  }
})
afterAll(() => world.close())

const pools = () => world.deps.root.volumePool.findMany({ where: { capacityGib: { not: null } } })
const used = async () => Object.fromEntries((await pools()).map(({ name, usedGib }) => [name, usedGib]))

test('what is promised in a pool is corrected by its volumes and snapshots', async () => {
  const make = (type: string, sizeGib: number) =>
    createVolume(tenant, volumeCreateInput.parse({ type, sizeGib }))
  const { id } = await make('one', 3)
  await make('two', 5)
  const { id: local } = await make('Standard', 7)
  await runPending(world.deps)
  await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
  await runPending(world.deps)
  const right = { 'shared@one': 6, 'shared@two': 5 }
  expect(await used()).toEqual(right)
  await poolCounters.run(world.system)
  expect(await used()).toEqual(right)
  await world.deps.root.volumePool.updateMany({
    where: { capacityGib: { not: null } },
    data: { usedGib: 99 },
  })
  await poolCounters.run(world.system)
  expect(await used()).toEqual(right)
  // A volume that is being moved takes room in both.
  const two = (await pools()).find(({ name }) => name === 'shared@two')
  await world.deps.root.volume.update({ where: { id }, data: { movingToId: two?.id ?? null } })
  await poolCounters.run(world.system)
  expect(await used()).toEqual({ 'shared@one': 6, 'shared@two': 8 })
  const { pool } = await world.deps.root.volume.findUniqueOrThrow({
    where: { id: local },
    include: { pool: true },
  })
  expect(pool.usedGib).toBe(0)
})
