import { afterAll, beforeAll, expect, test } from 'vitest'
import { aServer } from '../../compute/instances/testing.openstack.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aVolume } from '../testing.openstack.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const act = (id: string, body: object, minor = 0) =>
  ask('POST', `/volumes/${id}/action`, { body, version: `volume 3.${minor}` })
const upload = (id: string, more: object = {}, minor = 0) =>
  act(id, { 'os-volume_upload_image': { image_name: 'img', disk_format: 'qcow2', ...more } }, minor)
const statusOf = async (id: string) =>
  ((await ask('GET', `/volumes/${id}`)).json() as { volume: { status: string } }).volume.status

test('the answer of the making of an image, at the first microversion and since 3.1', async () => {
  const id = await aVolume(cloud.owner)
  // What the stock client sends.
  const sent = { force: false, container_format: 'bare' }
  const made = await upload(id, sent)
  expect(made.statusCode, made.body).toBe(202)
  const golden = {
    ...{ id, status: 'uploading', size: 1, display_description: null, container_format: 'bare' },
    ...{ disk_format: 'qcow2', image_name: 'img', image_id: expect.any(String) },
    updated_at: expect.stringMatching(/\.\d{6}$/),
    volume_type: expect.objectContaining({ name: 'Standard', is_public: true }),
  }
  expect(made.json()).toEqual({ 'os-volume_upload_image': golden })
  expect(await statusOf(id)).toBe('uploading')
  const twice = await upload(id)
  expect([twice.statusCode, twice.json()]).toMatchObject([400, { badRequest: {} }])
  await cloud.owner.settle()
  expect(await statusOf(id)).toBe('available')
  const later = await upload(id, { ...sent, visibility: 'private', protected: true }, 70)
  expect(later.json()).toEqual({
    'os-volume_upload_image': { ...golden, visibility: 'private', protected: true },
  })
  await cloud.owner.settle()
})

test('a body that Cinder or this cloud refuses, a volume in use without force, and a public image', async () => {
  const id = await aVolume(cloud.owner)
  const refused: [object, number, number][] = [
    [{ image_name: '' }, 0, 400],
    [{ image_name: undefined }, 0, 400],
    [{ visibility: 'private' }, 0, 400],
    [{ disk_format: 'vmdk' }, 0, 400],
    [{ disk_format: 'iso' }, 0, 400],
    [{ container_format: 'ova' }, 0, 400],
    [{ other: 1 }, 0, 400],
    [{ visibility: 'public' }, 1, 403],
  ]
  for (const [more, minor, status] of refused)
    expect((await upload(id, more, minor)).statusCode, JSON.stringify(more)).toBe(status)
  expect(await statusOf(id)).toBe('available')
  const server = await aServer(cloud.owner)
  await attachVolume(cloud.owner.ctx, { id: server, volumeId: id })
  await cloud.owner.settle()
  expect((await upload(id)).json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/An instance uses/) },
  })
  expect((await upload(id, { force: 'True' })).statusCode).toBe(202)
  await cloud.owner.settle()
  expect(await statusOf(id)).toBe('in-use')
})

test('an available volume gets an image since 3.68; one that a server has does not', async () => {
  const id = await aVolume(cloud.owner)
  const { imageId } = cloud.owner
  const body = { 'os-reimage': { image_id: imageId } }
  expect((await act(id, body, 67)).statusCode).toBe(400)
  expect((await act(id, { 'os-reimage': { image_id: 'x' } }, 68)).statusCode).toBe(400)
  expect((await act(id, { 'os-reimage': { image_id: crypto.randomUUID() } }, 68)).statusCode).toBe(404)
  const reserved = { 'os-reimage': { image_id: imageId, reimage_reserved: true } }
  expect((await act(id, reserved, 68)).statusCode).toBe(403)
  expect((await act(id, body, 68)).statusCode).toBe(202)
  expect(await statusOf(id)).toBe('downloading')
  await cloud.owner.settle()
  const shown = (await ask('GET', `/volumes/${id}`)).json()
  expect(shown).toMatchObject({
    volume: { status: 'available', bootable: 'true', volume_image_metadata: { image_id: imageId } },
  })
  const server = await aServer(cloud.owner)
  await attachVolume(cloud.owner.ctx, { id: server, volumeId: id })
  await cloud.owner.settle()
  expect((await act(id, body, 68)).statusCode).toBe(400)
})

test('what is written about the image of a volume is shown, found, copied, and holds for its servers', async () => {
  const { owner, tokens } = cloud
  const id = await aVolume(owner, { imageId: owner.imageId })
  const written = { os_type: 'linux', hw_disk_bus: 'scsi' }
  const image = { image_id: owner.imageId, image_name: expect.any(String) }
  const set = await act(id, { 'os-set_image_metadata': { metadata: { ...written, note: 'x' } } })
  expect([set.statusCode, set.json()]).toEqual([200, { metadata: { ...image, ...written, note: 'x' } }])
  expect((await act(id, { 'os-unset_image_metadata': { key: 'note' } })).statusCode).toBe(200)
  expect((await act(id, { 'os-unset_image_metadata': { key: 'note' } })).statusCode).toBe(404)
  expect((await act(id, { 'os-show_image_metadata': null })).json()).toEqual({
    metadata: { ...image, ...written },
  })
  expect((await ask('GET', `/volumes/${id}`)).json()).toMatchObject({
    volume: { volume_image_metadata: { ...image, ...written } },
  })
  const found = async (glance: string) => {
    const query = `glance_metadata=${encodeURIComponent(glance)}&all_tenants=1`
    const answer = await ask('GET', `/volumes?${query}`, { token: tokens.admin, version: 'volume 3.4' })
    return (answer.json() as { volumes: { id: string }[] }).volumes.map((one) => one.id)
  }
  expect(await found("{'os_type': 'linux'}")).toEqual([id])
  expect(await found("{'os_type': 'windows'}")).toEqual([])
  const copy = await aVolume(owner, { sourceVolumeId: id })
  expect((await ask('GET', `/volumes/${copy}`)).json()).toMatchObject({
    volume: { volume_image_metadata: written },
  })
  const many = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`k${i}`, 'v']))
  expect((await act(id, { 'os-set_image_metadata': { metadata: many } })).statusCode).toBe(413)
})

test('an image is made once, and said so, of a volume whose type the project may not use any more', async () => {
  const { deps, projectId } = cloud.owner
  const typeId = crypto.randomUUID()
  const data = { id: typeId, name: 'once', public: false, access: { create: { projectId } } }
  await deps.root.volumeType.create({ data })
  const id = await aVolume(cloud.owner, { type: 'once' })
  await deps.root.volumeTypeAccess.deleteMany({ where: { typeId } })
  const before = await deps.root.image.count()
  const made = await upload(id)
  expect([made.statusCode, made.json()]).toMatchObject([
    202,
    { 'os-volume_upload_image': { id, volume_type: { id: typeId, name: 'once' } } },
  ])
  expect(await deps.root.image.count()).toBe(before + 1)
  await cloud.owner.settle()
})
