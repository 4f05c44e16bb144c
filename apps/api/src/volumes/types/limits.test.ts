import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import { deliverAll } from '../../hosts/documents.ts'
import type { Ctx } from '../../kernel/context.ts'
import { runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createVolume, extendVolume, getVolume } from '../service.ts'
import { type VolumeTypeView, volumeTypeCreateInput } from './contract.ts'
import {
  associateQos,
  createQos,
  deleteQos,
  disassociateQos,
  removeTypeLimit,
  setQos,
  setTypeLimit,
} from './qos.ts'
import { createVolumeType, getVolumeType } from './service.ts'

/** The limits of volumes reach the guests that have the volumes, also while the guests run. */

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
})
afterAll(() => world.close())

/** A running instance with a volume of a new type. */
async function attached(limits: Record<string, string>) {
  const input = { name: `t-${crypto.randomUUID().slice(0, 8)}`, limits }
  const type = await createVolumeType(admin, volumeTypeCreateInput.parse(input))
  const volume = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 2, type: type.name }))
  const { instances } = await launchInstances(tenant, aLaunch(world))
  await runPending(world.deps)
  const instanceId = instances[0]?.id ?? ''
  await attachVolume(tenant, { id: instanceId, volumeId: volume.id })
  await runPending(world.deps)
  const told = async () => {
    await runPending(world.deps)
    await deliverAll(world.system)
    const spec = world.hosts.get('a')?.hypervisor.state.instances[instanceId]?.spec
    return spec?.volumes.find(({ id }) => id === volume.id)?.limits
  }
  return { type, volume, told }
}
const qosOf = async ({ id }: VolumeTypeView) => (await getVolumeType(admin, { id })).qos?.id ?? ''

test('a guest is told the limits with the volume, and anew when the specs, their consumer or the type change', async () => {
  const { type, volume, told } = await attached({ total_iops_sec: '500', total_iops_sec_max: '900' })
  expect(await told()).toEqual({ iopsTotal: 500, iopsTotalMax: 900 })
  expect(await getVolume(tenant, volume)).toMatchObject({ limits: { iopsTotal: 500, iopsTotalMax: 900 } })
  const id = await qosOf(type)
  await setTypeLimit(admin, { id: type.id, key: 'total_iops_sec', value: '600' })
  expect(await told()).toEqual({ iopsTotal: 600, iopsTotalMax: 900 })
  await removeTypeLimit(admin, { id: type.id, key: 'total_iops_sec_max' })
  expect(await told()).toEqual({ iopsTotal: 600 })
  await setQos(admin, { id, consumer: 'back-end', specs: {} })
  expect(await told()).toBeUndefined()
  await setQos(admin, { id, consumer: 'both', specs: {} })
  expect(await told()).toEqual({ iopsTotal: 600 })
  await disassociateQos(admin, { id, typeId: type.id })
  expect(await told()).toBeUndefined()
  const other = await createQos(admin, { name: 'other', consumer: 'both', specs: { read_bytes_sec: '7' } })
  await associateQos(admin, { id: other.id, typeId: type.id })
  expect(await told()).toEqual({ bpsRead: 7 })
  await deleteQos(admin, { id: other.id, force: true })
  expect(await told()).toBeUndefined()
})

test('a limit for each GiB grows with the volume, while the guest uses it', async () => {
  const { volume, told } = await attached({ total_iops_sec_per_gb: '10' })
  expect(await told()).toEqual({ iopsTotal: 20 })
  await extendVolume(tenant, { id: volume.id, sizeGib: 5 })
  expect(await told()).toEqual({ iopsTotal: 50 })
})

test('a volume of a type without limits has none, and gets them when the type does', async () => {
  const { type, volume, told } = await attached({})
  expect(await told()).toBeUndefined()
  expect((await getVolume(tenant, volume)).limits).toEqual({})
  await setTypeLimit(admin, { id: type.id, key: 'write_bytes_sec', value: '1000' })
  expect(await told()).toEqual({ bpsWrite: 1000 })
})

test('limits that change while volumes are attached reach every guest, whoever commits first', async () => {
  const { type } = await attached({ total_iops_sec: '1' })
  const id = await qosOf(type)
  const { instances } = await launchInstances(tenant, aLaunch(world, { count: 3 }))
  const volumes = await Promise.all(
    instances.map(() => createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, type: type.name }))),
  )
  await runPending(world.deps)
  await Promise.all([
    ...instances.map((one, n) => attachVolume(tenant, { id: one.id, volumeId: volumes[n]?.id ?? '' })),
    setQos(admin, { id, specs: { total_iops_sec: '2' } }),
  ])
  await runPending(world.deps)
  await deliverAll(world.system)
  const host = world.hosts.get('a')
  for (const { id: instanceId } of instances)
    expect(host?.hypervisor.state.instances[instanceId]?.spec.volumes[0]?.limits).toEqual({ iopsTotal: 2 })
})
