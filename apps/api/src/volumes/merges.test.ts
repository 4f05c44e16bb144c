import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { runPending } from '../kernel/testing.ts'
import { volumeCreateInput } from './contract.ts'
import { mergePatience, volumeLayers } from './merges.ts'
import { createSnapshot, createVolume, deleteSnapshot } from './service.ts'
import { snapshotCreateInput } from './snapshots/contract.ts'

let world: World
let tenant: Ctx
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  await runPending(world.deps)
})
afterAll(() => world.close())

const volumesOf = (name: string) => {
  const host = world.hosts.get(name)
  if (!host) throw new Error(`the host ${name} is gone`)
  return host.volumes
}
const hostIdOf = async (name: string) =>
  (await world.deps.root.host.findFirstOrThrow({ where: { endpoint: `fake:${name}` } })).id
/** A volume on that host whose layers can be merged. */
async function mergeable(name: string): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }), {
    hostId: await hostIdOf(name),
  })
  await runPending(world.deps)
  const snapshot = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
  await runPending(world.deps)
  await deleteSnapshot(tenant, { id: snapshot.id })
  await runPending(world.deps)
  return id
}
const layersOf = (name: string, ids: readonly string[]) =>
  ids.map((id) => volumesOf(name).volumes.get(id)?.mergeable)

test('a merge that takes hours holds up no other host and no later round, and is asked for once', async () => {
  const [slow, quick] = [await mergeable('a'), await mergeable('b')]
  const waiting = await mergeable('a')
  const host = volumesOf('a')
  const { mergeLayers } = host
  const end = Promise.withResolvers<void>()
  const asked: string[] = []
  host.mergeLayers = async (op, key) => {
    asked.push(key.id)
    await end.promise
    return mergeLayers(op, key)
  }
  const limits = vi.spyOn(AbortSignal, 'timeout')
  const { roundMs } = mergePatience
  mergePatience.roundMs = 50
  try {
    await volumeLayers.run(world.system)
    expect(layersOf('b', [quick])).toEqual([0])
    const later = await mergeable('b')
    await volumeLayers.run(world.system)
    expect(layersOf('b', [later])).toEqual([0])
    expect(asked).toHaveLength(1)
    expect(Math.max(...limits.mock.calls.map(([ms]) => ms))).toBeGreaterThanOrEqual(3_600_000)
  } finally {
    mergePatience.roundMs = roundMs
    limits.mockRestore()
    end.resolve()
  }
  await expect.poll(() => layersOf('a', [slow, waiting])).toEqual([0, 0])
  host.mergeLayers = mergeLayers
})

test('volumes that can never be merged hold up no other volume', async () => {
  const stuck: string[] = []
  for (let n = 0; n < 6; n++) stuck.push(await mergeable('a'))
  const other = await mergeable('a')
  const host = volumesOf('a')
  const { mergeLayers } = host
  host.mergeLayers = (op, key) =>
    stuck.includes(key.id)
      ? Promise.reject(new DriverError('unavailable', 'Another call came first.'))
      : mergeLayers(op, key)
  await volumeLayers.run(world.system)
  host.mergeLayers = mergeLayers
  expect(layersOf('a', [other])).toEqual([0])
})

test('a host that falls silent is not asked for the next merge', async () => {
  const ids = [await mergeable('a'), await mergeable('a')]
  const host = volumesOf('a')
  const { mergeLayers } = host
  const asked: string[] = []
  host.mergeLayers = (_op, { id }) => {
    asked.push(id)
    world.faults.set('a', 'refuses')
    return Promise.reject(new DriverError('unavailable', 'The agent broke off.'))
  }
  await volumeLayers.run(world.system)
  world.faults.delete('a')
  host.mergeLayers = mergeLayers
  expect(asked).toHaveLength(1)
  await volumeLayers.run(world.system)
  expect(layersOf('a', ids)).toEqual([0, 0])
})
