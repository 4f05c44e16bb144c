import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import { imageStore } from '../../images/store.ts'
import type { Ctx } from '../../kernel/context.ts'
import { Crash, type Probe } from '../../kernel/run.ts'
import { expectCloudError, failEveryStep, runPending, runToEnd } from '../../kernel/testing.ts'
import { backupCreateInput } from '../backups/contract.ts'
import { restoreBackup } from '../backups/restore.ts'
import { volumeCreateInput } from '../contract.ts'
import { createBackup, createSnapshot, createVolume, deleteSnapshot, getVolume } from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { volumeImageInput } from './contract.ts'
import { makeVolumeImage, reimageVolume } from './service.ts'

let world: World
let tenant: Awaited<ReturnType<typeof testTenant>>
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  await world.deps.root.quotaLimit.createMany({
    data: ['images', 'imageGib', 'volumes'].map((resource) => ({
      projectId: tenant.projectId,
      resource,
      limit: -1,
    })),
  })
  await runPending(world.deps)
})
afterAll(() => world.close())

async function aVolume(patch: object = {}): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, ...patch }))
  await runPending(world.deps)
  return id
}
const make = (id: string, patch: object = {}, ctx: Ctx = tenant) =>
  makeVolumeImage(ctx, volumeImageInput.parse({ id, name: 'made', ...patch }))
const imageRow = (id: string) => world.deps.root.image.findUniqueOrThrow({ where: { id } })
const stateOf = async (id: string) => (await getVolume(tenant, { id })).state
const operationOf = async (resourceId: string, action: string) =>
  (await world.deps.root.operation.findFirstOrThrow({ where: { resourceId, action } })).id
const driver = () => {
  const host = world.hosts.get('a')
  if (!host) throw new Error('the host is gone')
  return host.volumes
}
const nothingIsLeft = async (imageId: string) => {
  const store = imageStore(world.deps)
  await expect(store.openExport(imageId)).rejects.toMatchObject({ code: 'not_found' })
  expect((await store.list()).staged.map(({ id }) => id)).not.toContain(imageId)
}

test('an image of a volume becomes active, with the properties of the image of which the volume was made', async () => {
  const told = { description: 'Log in as tiny.', minRamMib: 128 }
  await world.deps.root.image.update({ where: { id: world.imageId }, data: told })
  const id = await aVolume({ imageId: world.imageId, sizeGib: 2 })
  for (let n = 0; n < 2; n++) {
    const { volume, image } = await make(id, { protected: true })
    expect(volume.state).toBe('uploading')
    expect(image).toMatchObject({ name: 'made', state: 'queued', diskFormat: 'qcow2', visibility: 'private' })
    await expectCloudError(make(id), 'conflict', /this one is being copied to an image/)
    await runPending(world.deps)
    expect(await imageRow(image.id)).toMatchObject({
      ...{ state: 'active', protected: true, projectId: tenant.projectId },
      ...{ properties: { os_admin_user: 'tiny' }, minDiskGib: 2, ...told },
    })
    expect(await stateOf(id)).toBe('available')
    await nothingIsLeft(image.id)
  }
})

test('an image has no properties of an image that the caller may not see', async () => {
  const id = await aVolume({ imageId: world.imageId })
  const before = await imageRow(world.imageId)
  const hidden = { projectId: crypto.randomUUID(), visibility: 'private' }
  await world.deps.root.image.update({ where: { id: before.id }, data: hidden })
  const { image } = await make(id)
  expect(image.properties).toEqual({})
  await world.deps.root.image.update({
    where: { id: before.id },
    data: { projectId: before.projectId, visibility: before.visibility },
  })
  await runPending(world.deps)
})

test('of a volume in use an image is made only by force, and the volume stays in use', async () => {
  const [instance] = (await launchInstances(tenant, aLaunch(world))).instances
  await runPending(world.deps)
  const id = await aVolume()
  await attachVolume(tenant, { id: instance?.id ?? '', volumeId: id })
  await runPending(world.deps)
  await expectCloudError(make(id), 'conflict', /An instance uses this volume/)
  const { image } = await make(id, { force: true })
  await runPending(world.deps)
  expect((await imageRow(image.id)).state).toBe('active')
  expect(await stateOf(id)).toBe('in-use')
})

test('no image is begun that the project may not store', async () => {
  const other = await testTenant(world)
  await world.deps.root.quotaLimit.create({
    data: { projectId: other.projectId, resource: 'imageGib', limit: 1 },
  })
  const { id } = await createVolume(other, volumeCreateInput.parse({ sizeGib: 2 }))
  await runPending(world.deps)
  await expectCloudError(make(id, {}, other), 'quota_exceeded', /2 GiB of images more/)
  expect((await getVolume(other, { id })).state).toBe('available')
  expect(await world.deps.root.image.count({ where: { projectId: other.projectId } })).toBe(0)
})

test('an image that its owner deletes meanwhile ends the operation, and the volume is available', async () => {
  const id = await aVolume()
  const { image } = await make(id)
  await world.deps.root.image.update({ where: { id: image.id }, data: { state: 'deleted' } })
  await runPending(world.deps)
  expect(await stateOf(id)).toBe('available')
  await nothingIsLeft(image.id)
})

test('a volume that is deleted by force meanwhile leaves neither image nor file', async () => {
  const id = await aVolume()
  const { image } = await make(id)
  const { id: operationId } = await world.deps.root.operation.findFirstOrThrow({
    where: { resourceId: id, action: 'volume.make_image' },
  })
  const probe: Probe = ({ step, when }) => {
    if (step === 'store' && when === 'before') throw new Crash('kill -9')
  }
  await expect(runToEnd(world.deps, operationId, { last: false, probe })).rejects.toBeInstanceOf(Crash)
  await world.deps.root.volume.delete({ where: { id } })
  await world.deps.root.image.update({ where: { id: image.id }, data: { state: 'deleted' } })
  await runToEnd(world.deps, operationId, { last: true })
  await nothingIsLeft(image.id)
})

test('a host without room leaves no image, and a message that says why', async () => {
  const id = await aVolume()
  driver().failNext('exportVolume', new DriverError('no_space', 'full'))
  const { image } = await make(id)
  await runPending(world.deps)
  expect((await imageRow(image.id)).state).toBe('deleted')
  expect(await stateOf(id)).toBe('available')
  const message = await world.deps.root.volumeMessage.findFirstOrThrow({ where: { resourceId: id } })
  expect(message).toMatchObject({ action: '003', reason: 'The host has run out of space.' })
})

/** Runs the imports of images while `work` runs one operation at a time, which waits for them. */
async function besideImports(work: () => Promise<void>): Promise<void> {
  let isOver = false
  const imports = async () => {
    while (!isOver) {
      const where = { action: 'image.import', state: { in: ['queued', 'running', 'undoing'] } }
      const row = await world.deps.root.operation.findFirst({ where, select: { id: true } })
      if (row) await runToEnd(world.deps, row.id, { last: true })
      else await sleep(10)
    }
  }
  const running = imports()
  await work().finally(() => {
    isOver = true
  })
  await running
}

test(
  'every step of volume.make_image may fail and be repeated',
  () => besideImports(() => failEveryMaking()),
  240_000,
)

function failEveryMaking(): Promise<void> {
  const images = new Map<string, string>()
  return failEveryStep(world.deps, {
    action: 'volume.make_image',
    async start() {
      const { id: resourceId } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }))
      await runToEnd(world.deps, await operationOf(resourceId, 'volume.create'), { last: true })
      images.set(resourceId, (await make(resourceId)).image.id)
      return { operationId: await operationOf(resourceId, 'volume.make_image'), resourceId }
    },
    async afterFailure(id, at) {
      const imageId = images.get(id) ?? ''
      expect(await stateOf(id), at).toBe('available')
      expect((await imageRow(imageId)).state, at).toBe('deleted')
      await nothingIsLeft(imageId)
    },
    async afterSuccess(id, at) {
      const imageId = images.get(id) ?? ''
      expect(await stateOf(id), at).toBe('available')
      expect((await imageRow(imageId)).state, at).toBe('active')
      await nothingIsLeft(imageId)
    },
  })
}

test('a volume gets what an image contains, unless it is too small or in use', async () => {
  const id = await aVolume()
  const before = await getVolume(tenant, { id })
  expect(before).toMatchObject({ bootable: false, image: null })
  const image = await imageRow(world.imageId)
  await world.deps.root.image.update({ where: { id: image.id }, data: { virtualBytes: 2n * 1024n ** 3n } })
  await expectCloudError(reimageVolume(tenant, { id, imageId: image.id }), 'invalid_input', /needs 2 GiB/)
  await world.deps.root.image.update({ where: { id: image.id }, data: { virtualBytes: image.virtualBytes } })
  expect((await reimageVolume(tenant, { id, imageId: image.id })).state).toBe('downloading')
  await expectCloudError(
    reimageVolume(tenant, { id, imageId: image.id }),
    'conflict',
    /is getting what an image/,
  )
  await runPending(world.deps)
  expect(await getVolume(tenant, { id })).toMatchObject({
    ...{ state: 'available', bootable: true },
    image: { id: image.id, name: image.name },
  })
  expect(driver().volumes.get(id)?.base).toBe(image.blobId)
  await world.deps.root.volume.update({ where: { id }, data: { state: 'in-use' } })
  await expectCloudError(reimageVolume(tenant, { id, imageId: image.id }), 'conflict', /Detach it first/)
})

test('a volume in Ceph that has snapshots gets no other contents, and stays available', async () => {
  const id = await aVolume()
  const { id: backupId } = await createBackup(tenant, backupCreateInput.parse({ volumeId: id }))
  await runPending(world.deps)
  const { id: snapshotId } = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
  await runPending(world.deps)
  await deleteSnapshot(tenant, { id: snapshotId })
  const inCeph = (driver: 'rbd' | 'files') => world.deps.root.volumePool.updateMany({ data: { driver } })
  await inCeph('rbd')
  for (const work of [
    () => reimageVolume(tenant, { id, imageId: world.imageId }),
    () => restoreBackup(tenant, { id: backupId, volumeId: id }),
  ])
    await expectCloudError(work(), 'conflict', /has snapshots, and lies in Ceph/)
  expect(await stateOf(id)).toBe('available')
  await inCeph('files')
  expect((await reimageVolume(tenant, { id, imageId: world.imageId })).state).toBe('downloading')
  await runPending(world.deps)
})

test('every step of volume.reimage may fail and be repeated', async () => {
  await failEveryStep(world.deps, {
    action: 'volume.reimage',
    async start() {
      const resourceId = await aVolume()
      await reimageVolume(tenant, { id: resourceId, imageId: world.imageId })
      return { operationId: await operationOf(resourceId, 'volume.reimage'), resourceId }
    },
    async afterFailure(id, at) {
      expect(['error', 'available'], at).toContain(await stateOf(id))
    },
    async afterSuccess(id, at) {
      expect(await getVolume(tenant, { id }), at).toMatchObject({ state: 'available', bootable: true })
    },
  })
})
