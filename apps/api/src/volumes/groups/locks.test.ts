import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { runPending, testCtx } from '../../kernel/testing.ts'
import { poolCreateInput, volumeCreateInput, volumeTypeCreateInput } from '../contract.ts'
import { createPool } from '../pools/service.ts'
import { createVolume } from '../service.ts'
import { createVolumeType } from '../types/service.ts'
import { groupCreateInput, groupFromInput } from './contract.ts'
import { createGroup } from './service.ts'
import { createGroupFrom } from './snapshots.ts'

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
const db = () => world.deps.root

test('a group that is made of another one takes room in the order of the pools', async () => {
  const made = []
  for (const type of ['one', 'two'])
    made.push((await createVolume(tenant, volumeCreateInput.parse({ type, sizeGib: 1 }))).id)
  await runPending(world.deps)
  const pools = await db().volumePool.findMany({
    where: { capacityGib: { not: null } },
    orderBy: { id: 'asc' },
  })
  const [low = '', high = ''] = pools.map(({ id }) => id)
  // The first volume lies in the last pool, and each has the type of its pool.
  for (const [index, id] of made.toSorted().entries()) {
    const pool = pools[1 - index]
    const type = { name: pool?.name.replace('shared@', '') ?? '' }
    const { id: typeId } = await db().volumeType.findUniqueOrThrow({ where: type })
    await db().volume.update({ where: { id }, data: { poolId: pool?.id ?? '', typeId } })
  }
  const wish = groupCreateInput.parse({ name: 'g', volumeIds: made })
  const { id: groupId } = await createGroup(tenant, wish)
  const held = Promise.withResolvers<void>()
  const copied = held.promise.then(() => createGroupFrom(tenant, groupFromInput.parse({ groupId })))
  const free = await inTransaction(world.system, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "VolumePool" WHERE "id" = ${high}::uuid FOR UPDATE`
    held.resolve()
    await sleep(1_000)
    // The copy waits for the last pool, and has the first one.
    return tx.db.$queryRaw<object[]>`
      SELECT 1 FROM "VolumePool" WHERE "id" = ${low}::uuid FOR UPDATE SKIP LOCKED`
  })
  expect(free).toHaveLength(0)
  expect((await copied).state).toBe('creating')
})
