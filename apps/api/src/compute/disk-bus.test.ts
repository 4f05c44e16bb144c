import { afterAll, beforeAll, expect, test } from 'vitest'
import { facadeWorld } from '../facade.testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError, runPending } from '../kernel/testing.ts'
import { volumeCreateInput } from '../volumes/contract.ts'
import { createVolume } from '../volumes/service.ts'
import { launchInstances, planInstance } from './instances/launch.ts'
import { attachVolume, detachVolume, listAttachedVolumes } from './instances/volumes.ts'
import { addImage, aLaunch, type World } from './testing.ts'

let cloud: Awaited<ReturnType<typeof facadeWorld>>
let world: World
let tenant: Ctx & { projectId: string }
beforeAll(async () => {
  cloud = await facadeWorld()
  world = cloud.world
  tenant = { ...cloud.owner.ctx, projectId: cloud.owner.projectId }
})
afterAll(() => cloud.close())

const imageWith = (properties: Record<string, string>) =>
  addImage(world.deps, tenant.projectId, { visibility: 'private', properties })
const specOf = (id: string) =>
  [...world.hosts.values()].flatMap((host) => host.hypervisor.state.instances[id] ?? [])[0]?.spec
async function launched(input: object): Promise<string> {
  const { instances } = await launchInstances(tenant, aLaunch(world, input))
  await runPending(world.deps)
  return instances[0]?.id ?? ''
}
const devicesOf = async (id: string) =>
  (await listAttachedVolumes(tenant, { id })).map(({ device }) => device)
async function aVolume(): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }))
  await runPending(world.deps)
  return id
}
const ask = async (path: string) =>
  cloud.app.inject({
    url: `/compute/v2.1${path}`,
    headers: { 'x-auth-token': cloud.tokens.admin, 'openstack-api-version': 'compute 2.79' },
  })

test('a guest of an image that asks for SCSI gets its disks there, and their names begin with sd', async () => {
  const imageId = await imageWith({ hw_disk_bus: 'scsi', hw_scsi_model: 'virtio-scsi' })
  const id = await launched({ imageId })
  expect(specOf(id)?.diskBus).toBe('scsi')
  const [first, second] = [await aVolume(), await aVolume()]
  await attachVolume(tenant, { id, volumeId: first })
  await runPending(world.deps)
  await attachVolume(tenant, { id, volumeId: second, device: '/dev/vdd' })
  await runPending(world.deps)
  expect(await devicesOf(id)).toEqual(['/dev/sdb', '/dev/sdd'])
  const shown = (await ask(`/servers/${id}`)).json() as { server: Record<string, unknown> }
  expect(shown.server['OS-EXT-SRV-ATTR:root_device_name']).toBe('/dev/sda')
  const found = async (device: string) => {
    const answer = await ask(`/servers?all_tenants=1&root_device_name=${encodeURIComponent(device)}`)
    return (answer.json() as { servers: { id: string }[] }).servers.map((one) => one.id)
  }
  const other = await launched({})
  expect(specOf(other)?.diskBus).toBeUndefined()
  expect([await found('/dev/sda'), await found('/dev/vda'), await found('/dev/sdb')]).toEqual([
    [id],
    [other],
    [],
  ])
})

test('a volume of such an image is the root disk by SCSI, too, and stays with its instance', async () => {
  const imageId = await imageWith({ hw_disk_bus: 'scsi' })
  const volumes = [
    { boot: true, from: { kind: 'image', id: imageId }, name: '{name}-root' },
    { from: { kind: 'blank' }, sizeGib: 1 },
  ]
  const id = await launched({ imageId: undefined, volumes })
  expect(await devicesOf(id)).toEqual(['/dev/sda', '/dev/sdb'])
  const [root] = await listAttachedVolumes(tenant, { id })
  expect(specOf(id)).toMatchObject({ diskBus: 'scsi', disks: [] })
  expect(specOf(id)?.volumes.find(({ boot }) => boot)?.id).toBe(root?.volumeId)
  await expectCloudError(
    detachVolume(tenant, { id, volumeId: root?.volumeId ?? '' }),
    'conflict',
    /starts from this volume/,
  )
})

test.each([
  [{ hw_disk_bus: 'ide' }, /disk bus “ide”. This cloud has virtio and scsi/],
  [{ hw_disk_bus: 'scsi', hw_scsi_model: 'lsilogic' }, /controller “lsilogic”/],
])('an image that asks for %j is not launched, and the form says why', async (properties, why) => {
  const imageId = await imageWith(properties)
  await expectCloudError(launchInstances(tenant, aLaunch(world, { imageId })), 'invalid_input', why)
  const { problems } = await planInstance(tenant, { imageId, flavorId: '1' })
  expect(problems).toContainEqual({ field: 'imageId', message: expect.stringMatching(why) })
  const volumes = [{ boot: true, from: { kind: 'image', id: imageId } }]
  const onVolume = aLaunch(world, { imageId: undefined, volumes })
  await expectCloudError(launchInstances(tenant, onVolume), 'invalid_input', why)
})
