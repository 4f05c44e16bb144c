import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchInstances } from '../compute/instances/launch.ts'
import { attachVolume, freeVolumesFor } from '../compute/instances/volumes.ts'
import { aLaunch, testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../kernel/testing.ts'
import { poolCreateInput, volumeCreateInput, volumeTypeCreateInput } from './contract.ts'
import { createPool, updatePool } from './pools/service.ts'
import { changeImageMetadata, createVolume, getVolume } from './service.ts'
import { createVolumeType } from './types/service.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
  await db().host.update({ where: { name: 'secret-name-b' }, data: { zone: 'z2' } })
  const place = { driver: 'files', path: '/mnt/shared' }
  const pool = (patch: object) => createPool(admin, poolCreateInput.parse({ place, ...patch }))
  await pool({ name: 'far', zone: 'z2', capacityGib: 20 })
  await pool({ name: 'wide', capacityGib: 50 })
  for (const name of ['far', 'wide']) await aType(name, { volume_backend_name: name })
  await aType('either', { 'RESKEY:availability_zones': 'z2' })
  await aType('many', { multiattach: '<is> True' })
  await aType('many-far', { multiattach: '<is> True', volume_backend_name: 'far' })
})
afterAll(() => world.close())

const db = () => world.deps.root
const aType = (name: string, extraSpecs: Record<string, string>) =>
  createVolumeType(admin, volumeTypeCreateInput.parse({ name, extraSpecs }))
async function aVolume(type: string, sizeGib = 1, zone?: string): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib, type, zone }))
  await runPending(world.deps)
  return id
}
const blank = (type: string, sizeGib = 1) => ({ from: { kind: 'blank' }, sizeGib, type })
async function launched(volumes: object[], patch: object = {}) {
  const { instances } = await launchInstances(tenant, aLaunch(world, { volumes, ...patch }))
  await runPending(world.deps)
  const { id = '' } = instances[0] ?? {}
  const { hostId } = await db().instance.findUniqueOrThrow({ where: { id } })
  return { id, host: (await db().host.findUniqueOrThrow({ where: { id: hostId ?? '' } })).name }
}
const refused = (volumes: object[], code: 'conflict' | 'no_capacity', words: RegExp, patch: object = {}) =>
  expectCloudError(launchInstances(tenant, aLaunch(world, { volumes, ...patch })), code, words)

test('an instance is launched in the zone of the pools of its volumes, or the launch is refused', async () => {
  const volume = await aVolume('far')
  await refused([{ from: { kind: 'volume', id: volume } }], 'conflict', /No machine of the chosen place/, {
    zone: 'nova',
  })
  await refused([blank('far')], 'conflict', /Choose another type or zone/, { zone: 'nova' })
  for (let i = 0; i < 3; i++) expect((await launched([blank('far')])).host).toBe('secret-name-b')
  const { host } = await launched([{ from: { kind: 'volume', id: volume } }, blank('either')])
  expect(host).toBe('secret-name-b')
})

test('a launch says what is wrong with its place before it says anything of its types', async () => {
  const far = await aVolume('far')
  const volume = { from: { kind: 'volume', id: far } }
  await refused([volume, blank('wide')], 'conflict', /No machine of the chosen place/, { zone: 'nova' })
  const [here, there] = [await aVolume('Standard', 1, 'nova'), await aVolume('Standard', 1, 'z2')]
  const both = [here, there].map((id) => ({ from: { kind: 'volume', id } }))
  await refused([...both, blank('wide')], 'conflict', /disks of different machines/)
  const close = (enabled: boolean) => updatePool(admin, { name: 'shared@far', enabled })
  await close(false)
  await refused([blank('far')], 'no_capacity', /No pool takes volumes at the moment/)
  await close(true)
})

test('an instance is offered the volumes alone that its machine reaches', async () => {
  const [far, wide] = [await aVolume('far'), await aVolume('wide')]
  const offered = async (id: string) =>
    (await freeVolumesFor(tenant, { id, limit: 100 } as never)).items.map((one) => one.id)
  const near = await launched([], { zone: 'nova' })
  expect(await offered(near.id)).toContain(wide)
  expect(await offered(near.id)).not.toContain(far)
  expect(await offered((await launched([], { zone: 'z2' })).id)).toEqual(expect.arrayContaining([far, wide]))
})

test('a launch is refused when its pool has no room for all of its volumes', async () => {
  const full = { count: 2 }
  await refused(
    [blank('wide', 26)],
    'no_capacity',
    /volume of 52 GiB fits into no pool that its type chooses/,
    full,
  )
  await refused([blank('wide', 26), blank('wide', 26)], 'no_capacity', /fits into no pool/)
  const wish = aLaunch(world, { volumes: [blank('wide', 20)], count: 3 })
  const { instances } = await launchInstances(tenant, wish, { atLeast: 1 })
  expect(instances).toHaveLength(2)
  await runPending(world.deps)
})

test('a volume for several instances lies in no pool that gives it to one at a time', async () => {
  await expectCloudError(aVolume('many-far'), 'no_capacity', /none of the pools/)
  const id = await aVolume('many')
  const first = await launched([], { zone: (await getVolume(tenant, { id })).zone })
  await attachVolume(tenant, { id: first.id, volumeId: id })
  await runPending(world.deps)
  const shared = await db().volumePool.findFirstOrThrow({ where: { name: 'shared@wide' } })
  await db().volume.update({ where: { id }, data: { poolId: shared.id } })
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'in-use', multiattach: true })
  await refused([{ from: { kind: 'volume', id } }], 'conflict', /to one instance at a time/)
  const other = await launched([], { zone: 'nova' })
  const { items } = await freeVolumesFor(tenant, { id: other.id, limit: 100 } as never)
  expect(items.map((one) => one.id)).not.toContain(id)
})

test('what is written about the image of a volume holds for the instances that start from it', async () => {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ imageId: world.imageId, type: 'wide' }))
  await runPending(world.deps)
  await changeImageMetadata(tenant, id, () => ({ hw_disk_bus: 'scsi' }))
  const root = { boot: true, from: { kind: 'volume', id } }
  const { id: instanceId } = await launched([root], { imageId: undefined })
  expect(await db().instance.findUniqueOrThrow({ where: { id: instanceId } })).toMatchObject({
    diskBus: 'scsi',
  })
  expect((await getVolume(tenant, { id })).attachments).toMatchObject([{ device: '/dev/sda' }])
})

test('a machine without room is called the one where the volume lies, or would lie when it is not made yet', async () => {
  await aType('pinned', { pool_name: 'secret-name-a@local' })
  const volume = await aVolume('pinned')
  const where = { name: 'secret-name-a' }
  const { memoryMib } = await db().host.findUniqueOrThrow({ where })
  await db().host.update({ where, data: { memoryMib: 0 } })
  const cannot = (lies: string) => new RegExp(`whose disk the volume ${lies} cannot take`)
  await refused([blank('pinned')], 'no_capacity', cannot('would lie'))
  await refused([{ from: { kind: 'volume', id: volume } }], 'no_capacity', cannot('lies'))
  await db().host.update({ where, data: { memoryMib } })
})
