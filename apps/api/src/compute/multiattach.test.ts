import { afterAll, beforeAll, expect, test } from 'vitest'
import { facadeWorld } from '../facade.testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError, failEveryStep, runPending } from '../kernel/testing.ts'
import { backupCreateInput } from '../volumes/backups/contract.ts'
import { createBackup } from '../volumes/backups/service.ts'
import { volumeCreateInput, volumeTypeCreateInput } from '../volumes/contract.ts'
import { volumeImageInput } from '../volumes/images/contract.ts'
import { retypeVolume } from '../volumes/moves/service.ts'
import { createSnapshot, createVolume, extendVolume, getVolume, makeVolumeImage } from '../volumes/service.ts'
import { snapshotCreateInput } from '../volumes/snapshots/contract.ts'
import { createVolumeType } from '../volumes/types/service.ts'
import { deleteInstance } from './instances/actions.ts'
import { launchInstances } from './instances/launch.ts'
import { attachVolume, detachVolume, freeVolumesFor, keepVolume } from './instances/volumes.ts'
import { aLaunch, type World } from './testing.ts'

let cloud: Awaited<ReturnType<typeof facadeWorld>>
let world: World
let tenant: Ctx & { projectId: string }
const type = 'shared'
beforeAll(async () => {
  cloud = await facadeWorld()
  world = cloud.world
  tenant = { ...cloud.owner.ctx, projectId: cloud.owner.projectId }
  const wish = { name: type, extraSpecs: { multiattach: '<is> True' } }
  await createVolumeType(cloud.owner.admin, volumeTypeCreateInput.parse(wish))
})
afterAll(() => cloud.close())

async function aVolume(patch: object = {}): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, type, ...patch }))
  await runPending(world.deps)
  return id
}
async function anInstance(): Promise<string> {
  const { instances } = await launchInstances(tenant, aLaunch(world))
  await runPending(world.deps)
  return instances[0]?.id ?? ''
}
async function attached(id: string, volumeId: string): Promise<void> {
  await attachVolume(tenant, { id, volumeId })
  await runPending(world.deps)
}
const specOf = (id: string) =>
  [...world.hosts.values()].flatMap((host) => host.hypervisor.state.instances[id] ?? [])[0]?.spec
const shown = async (id: string) => {
  const { state, attachments } = await getVolume(tenant, { id })
  return [state, attachments.length]
}

test('a volume of such a type goes to several instances, and is available when the last one has released it', async () => {
  const [one, two, volume] = [await anInstance(), await anInstance(), await aVolume()]
  expect((await getVolume(tenant, { id: volume })).multiattach).toBe(true)
  await attached(one, volume)
  const { items } = await freeVolumesFor(tenant, { id: two, limit: 100 } as never)
  expect(items.map(({ id }) => id)).toContain(volume)
  await attached(two, volume)
  expect(await shown(volume)).toEqual(['in-use', 2])
  for (const id of [one, two]) expect(specOf(id)?.volumes).toMatchObject([{ id: volume, shared: true }])
  await expectCloudError(attachVolume(tenant, { id: one, volumeId: volume }), 'conflict', /has this volume/)
  await expectCloudError(extendVolume(tenant, { id: volume, sizeGib: 2 }), 'conflict', /none of them has it/)
  await detachVolume(tenant, { id: one, volumeId: volume })
  await runPending(world.deps)
  expect(await shown(volume)).toEqual(['in-use', 1])
  expect(specOf(one)?.volumes).toEqual([])
  // The volume goes with the instance only when no other instance has it.
  await attached(one, volume)
  await keepVolume(tenant, { id: one, volumeId: volume, deleteOnTermination: true })
  await deleteInstance(tenant, { id: one })
  await runPending(world.deps)
  expect(await shown(volume)).toEqual(['in-use', 1])
  await detachVolume(tenant, { id: two, volumeId: volume })
  await runPending(world.deps)
  expect(await shown(volume)).toEqual(['available', 0])
})

test('a volume keeps whether several instances may have it when it gets another type', async () => {
  const [shared, own] = [await aVolume(), await aVolume({ type: undefined })]
  const why = /decided when it is made/
  await expectCloudError(
    retypeVolume(tenant, { id: shared, type: 'Standard', migrate: 'never' }),
    'conflict',
    why,
  )
  await expectCloudError(retypeVolume(tenant, { id: own, type, migrate: 'never' }), 'conflict', why)
})

test('the database itself gives any other volume to one instance', async () => {
  const volumeId = await aVolume({ type: undefined })
  const give = (device: string, shared = false) =>
    world.deps.root.volumeAttachment.create({
      data: { id: crypto.randomUUID(), volumeId, instanceId: crypto.randomUUID(), device, shared },
    })
  await give('/dev/vdb')
  await expect(give('/dev/vdb')).rejects.toMatchObject({ code: 'P2002' })
})

test('a volume for several instances begins empty, boots none of them, and has no layers', async () => {
  const image = volumeCreateInput.parse({ type, imageId: world.imageId })
  await expectCloudError(createVolume(tenant, image), 'invalid_input', /begin empty/)
  const id = await aVolume()
  const why = /for several instances at once/
  const copy = volumeCreateInput.parse({ sourceVolumeId: id })
  await expectCloudError(createVolume(tenant, copy), 'conflict', why)
  await expectCloudError(createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id })), 'conflict', why)
  const anImage = volumeImageInput.parse({ id, name: 'x' })
  await expectCloudError(makeVolumeImage(tenant, anImage), 'conflict', why)
  await expectCloudError(createBackup(tenant, backupCreateInput.parse({ volumeId: id })), 'conflict', why)
  await world.deps.root.volume.update({ where: { id }, data: { bootable: true } })
  const boot = aLaunch(world, { imageId: undefined, volumes: [{ boot: true, from: { kind: 'volume', id } }] })
  await expectCloudError(launchInstances(tenant, boot), 'conflict', /No system is started/)
})

test('Nova and Cinder tell of it, and Nova since 2.60', async () => {
  const [one, two, volume] = [await anInstance(), await anInstance(), await aVolume()]
  const send = (url: string, body: object, version: string) =>
    cloud.app.inject({
      ...{ method: 'POST' as const, url },
      headers: {
        'x-auth-token': cloud.tokens.ownerMember,
        'openstack-api-version': version,
        'content-type': 'application/json',
      },
      payload: JSON.stringify(body),
    })
  const attach = (server: string, minor: number) =>
    send(
      `/compute/v2.1/servers/${server}/os-volume_attachments`,
      { volumeAttachment: { volumeId: volume } },
      `compute 2.${minor}`,
    )
  const old = await attach(one, 59)
  expect([old.statusCode, old.body]).toEqual([400, expect.stringContaining('API version 2.60')])
  for (const server of [one, two]) {
    expect((await attach(server, 60)).statusCode).toBe(200)
    await runPending(world.deps)
  }
  const cinder = `/volume/v3/${tenant.projectId}/volumes`
  const answer = await cloud.app.inject({
    url: `${cinder}/${volume}`,
    headers: { 'x-auth-token': cloud.tokens.ownerMember },
  })
  const body = answer.json() as { volume: { multiattach: boolean; attachments: { server_id: string }[] } }
  expect(body.volume.multiattach).toBe(true)
  expect(body.volume.attachments.map((a) => a.server_id).toSorted()).toEqual([one, two].toSorted())
  const wish = { volume: { size: 1, multiattach: true } }
  expect((await send(cinder, wish, 'volume 3.50')).statusCode).toBe(400)
})

test('every step of the attachment to a second instance may fail, and the first one keeps the volume', async () => {
  const first = await anInstance()
  const volumes = new Map<string, string>()
  await failEveryStep(world.deps, {
    action: 'instance.attach_volume',
    async start() {
      const [id, volumeId] = [await anInstance(), await aVolume()]
      await attached(first, volumeId)
      volumes.set(id, volumeId)
      await attachVolume(tenant, { id, volumeId })
      const row = await world.deps.root.operation.findFirstOrThrow({
        where: { resourceId: id, action: 'instance.attach_volume' },
      })
      return { operationId: row.id, resourceId: id }
    },
    async afterFailure(id, at) {
      expect(await shown(volumes.get(id) ?? ''), at).toEqual(['in-use', 1])
      await detachVolume(tenant, { id: first, volumeId: volumes.get(id) ?? '' })
      await runPending(world.deps)
    },
    async afterSuccess(id, at) {
      expect(await shown(volumes.get(id) ?? ''), at).toEqual(['in-use', 2])
      await detachVolume(tenant, { id: first, volumeId: volumes.get(id) ?? '' })
      await runPending(world.deps)
    },
  })
})
