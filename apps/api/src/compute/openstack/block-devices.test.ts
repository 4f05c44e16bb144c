import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { volumeCreateInput } from '../../volumes/contract.ts'
import { createSnapshot, createVolume, getVolume } from '../../volumes/service.ts'
import { snapshotCreateInput } from '../../volumes/snapshots/contract.ts'
import { ask, closeNova, cloud, create, idOf, openNova } from './nova.testing.ts'

beforeAll(openNova)
afterAll(closeNova)

async function aVolume(more: object = {}): Promise<string> {
  const { id } = await createVolume(cloud.owner.ctx, volumeCreateInput.parse({ sizeGib: 1, ...more }))
  await cloud.owner.settle()
  return id
}
const bootable = () => aVolume({ imageId: cloud.owner.imageId })
const shown = async (id: string, minor = 79) =>
  (
    (await ask('GET', `/servers/${id}`, { minor, token: cloud.tokens.admin })).json() as {
      server: Record<string, unknown> & { 'os-extended-volumes:volumes_attached': { id: string }[] }
    }
  ).server
/** Launches and waits; returns the server as it is shown. */
async function launched(patch: object, minor = 79) {
  const answer = await create(patch, { minor })
  expect(answer.statusCode, answer.body).toBe(202)
  await cloud.owner.settle()
  const server = await shown(idOf(answer))
  expect(server.status, JSON.stringify(server.fault)).toBe('ACTIVE')
  return server
}
const ofImage = (more: object = {}) => ({
  ...{ uuid: cloud.owner.imageId, source_type: 'image', destination_type: 'volume', boot_index: 0 },
  ...{ volume_size: 2, ...more },
})
const ofVolume = (uuid: string, more: object = {}) => ({
  ...{ uuid, source_type: 'volume', destination_type: 'volume', ...more },
})
const local = () => ({
  ...{ uuid: cloud.owner.imageId, source_type: 'image', destination_type: 'local', boot_index: 0 },
  delete_on_termination: true,
})
const volumeOf = (id: string) => getVolume(cloud.owner.ctx, { id })

describe('a server', () => {
  test('boots from a new volume of an image, as `server create --image … --boot-from-volume 2` asks for', async () => {
    const server = await launched({ imageRef: '', block_device_mapping_v2: [ofImage()] })
    const [root] = server['os-extended-volumes:volumes_attached']
    expect(server).toMatchObject({
      image: '',
      'OS-EXT-SRV-ATTR:root_device_name': '/dev/vda',
      'os-extended-volumes:volumes_attached': [{ id: root?.id, delete_on_termination: false }],
    })
    expect(await volumeOf(root?.id ?? '')).toMatchObject({ sizeGib: 2, bootable: true, name: '' })
    const detached = await ask('DELETE', `/servers/${server.id}/os-volume_attachments/${root?.id}`)
    expect([detached.statusCode, detached.json()]).toEqual([
      400,
      { badRequest: { code: 400, message: 'Cannot detach a root device volume' } },
    ])
    const ofTheImage = await ask('GET', `/servers?image=${cloud.owner.imageId}`)
    expect(ofTheImage.body).not.toContain(server.id)
    expect((await ask('DELETE', `/servers/${server.id}`)).statusCode).toBe(204)
    await cloud.owner.settle()
    expect((await volumeOf(root?.id ?? '')).state).toBe('available')
  })

  test('boots from a volume that exists, with further disks, of which each goes or stays as was asked', async () => {
    const [root, data] = [await bootable(), await aVolume()]
    const server = await launched(
      {
        imageRef: '',
        block_device_mapping_v2: [
          ofVolume(root, { boot_index: '0', device_name: 'vda', disk_bus: 'virtio' }),
          ofVolume(data, { boot_index: null, delete_on_termination: true, device_name: '/dev/sdc' }),
          { source_type: 'blank', destination_type: 'volume', volume_size: '3', volume_type: 'Standard' },
        ],
      },
      67,
    )
    const list = await ask('GET', `/servers/${server.id}/os-volume_attachments`, { minor: 79 })
    const { volumeAttachments } = list.json() as { volumeAttachments: { volumeId: string; device: string }[] }
    const blank = volumeAttachments.find(({ device }) => device === '/dev/vdb')?.volumeId ?? ''
    expect(volumeAttachments).toMatchObject([
      { volumeId: root, device: '/dev/vda', delete_on_termination: false },
      { volumeId: blank, device: '/dev/vdb', delete_on_termination: false },
      { volumeId: data, device: '/dev/vdc', delete_on_termination: true },
    ])
    expect(await volumeOf(blank)).toMatchObject({ sizeGib: 3, bootable: false })
    await ask('DELETE', `/servers/${server.id}`)
    await cloud.owner.settle()
    expect([(await volumeOf(root)).state, (await volumeOf(blank)).state]).toEqual(['available', 'available'])
    await expect(volumeOf(data)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('boots from a new volume of a snapshot, which needs no size', async () => {
    const volumeId = await bootable()
    const snapshot = await createSnapshot(cloud.owner.ctx, snapshotCreateInput.parse({ volumeId }))
    await cloud.owner.settle()
    const from = { uuid: snapshot.id, source_type: 'snapshot', destination_type: 'volume', boot_index: 0 }
    const server = await launched({ imageRef: '', block_device_mapping_v2: [from] })
    const [root] = server['os-extended-volumes:volumes_attached']
    expect(await volumeOf(root?.id ?? '')).toMatchObject({ sizeGib: 1, snapshotId: snapshot.id })
  })

  test('has the disk of its image, and a volume beside it', async () => {
    const data = await aVolume()
    const server = await launched({ block_device_mapping_v2: [local(), ofVolume(data)] })
    expect(server).toMatchObject({
      image: { id: cloud.owner.imageId },
      'os-extended-volumes:volumes_attached': [{ id: data }],
    })
  })

  test('understands the older mapping, whose first volume is the root disk when there is no image', async () => {
    const [root, data, other] = [await bootable(), await aVolume(), await aVolume()]
    const old = (volume_id: string, device_name: string) => ({ volume_id, device_name, volume_size: '' })
    const mapping = [root, data].map((volume_id, n) => ({
      ...{ volume_id, device_name: `/dev/vd${'ab'[n]}`, delete_on_termination: n === 0 },
    }))
    expect((await create({ imageRef: '', block_device_mapping: [old(root, 'vda')] })).statusCode).toBe(400)
    const server = await launched({ imageRef: '', block_device_mapping: mapping })
    expect(server).toMatchObject({
      image: '',
      'os-extended-volumes:volumes_attached': [
        { id: root, delete_on_termination: true },
        { id: data, delete_on_termination: false },
      ],
    })
    const beside = await launched({ block_device_mapping: [{ volume_id: other, device_name: 'vdb' }] })
    expect(beside).toMatchObject({ image: { id: cloud.owner.imageId } })
  })
})

describe('ephemeral and swap disks', () => {
  const flavor = async (minor: number) => {
    const wish = {
      ...{ name: `local-${minor}`, ram: 64, vcpus: 1, disk: 1, swap: '512' },
      ...{ 'OS-FLV-EXT-DATA:ephemeral': 4 },
    }
    const answer = await ask('POST', '/flavors', { minor, token: cloud.tokens.admin, body: { flavor: wish } })
    expect(answer.statusCode, answer.body).toBe(200)
    return (answer.json() as { flavor: Record<string, unknown> & { id: string } }).flavor
  }
  const blank = (more: object = {}) => ({
    ...{ source_type: 'blank', destination_type: 'local', boot_index: -1, delete_on_termination: true },
    ...more,
  })
  const localDisks = async (id: string) =>
    (await cloud.owner.deps.root.instance.findUniqueOrThrow({ where: { id } })).localDisks

  test('are sizes of flavors, in every version as Nova shows them', async () => {
    for (const minor of [1, 79]) {
      const made = await flavor(minor)
      const sizes = { swap: 512, 'OS-FLV-EXT-DATA:ephemeral': 4 }
      expect(made).toMatchObject(sizes)
      const list = await ask('GET', '/flavors/detail?sort_key=swap&sort_dir=desc', { minor })
      expect((list.json() as { flavors: object[] }).flavors[0]).toMatchObject(sizes)
    }
    const of = async (minor: number) =>
      ((await ask('GET', '/flavors/1', { minor })).json() as { flavor: { swap: unknown } }).flavor.swap
    expect([await of(74), await of(75)]).toEqual(['', 0])
    const body = { flavor: { name: 'x', ram: 64, vcpus: 1, disk: 1, 'OS-FLV-EXT-DATA:ephemeral': -1 } }
    const refused = await ask('POST', '/flavors', { token: cloud.tokens.admin, body })
    expect([refused.statusCode, refused.body]).toEqual([
      400,
      expect.stringContaining('OS-FLV-EXT-DATA:ephemeral'),
    ])
  })

  test('are those of the flavor, and those that `server create --ephemeral size=1 --swap 64` asks for', async () => {
    const { id: flavorRef } = await flavor(61)
    const whole = await launched({ flavorRef })
    expect(whole.flavor).toMatchObject({ disk: 1, ephemeral: 4, swap: 512 })
    expect(await localDisks(String(whole.id))).toMatchObject([
      { kind: 'ephemeral', sizeMib: 4096, format: 'ext4' },
      { kind: 'swap', sizeMib: 512 },
    ])
    const part = await launched({
      flavorRef,
      block_device_mapping_v2: [
        local(),
        blank({ volume_size: 64, guest_format: 'swap' }),
        blank({ volume_size: 1, guest_format: 'ext3' }),
      ],
    })
    expect(await localDisks(String(part.id))).toMatchObject([
      { kind: 'ephemeral', sizeMib: 1024, format: 'ext3' },
      { kind: 'swap', sizeMib: 64 },
    ])
    const old = [
      { device_name: '/dev/vdb', virtual_name: 'ephemeral0', volume_size: 2 },
      { device_name: '/dev/vdc', virtual_name: 'swap' },
    ]
    const older = await launched({ flavorRef, block_device_mapping: old })
    expect(await localDisks(String(older.id))).toMatchObject([
      { sizeMib: 2048 },
      { kind: 'swap', sizeMib: 512 },
    ])
    const root = await launched({ flavorRef, imageRef: '', block_device_mapping_v2: [ofImage(), blank()] })
    expect(await localDisks(String(root.id))).toMatchObject([
      { sizeMib: 4096 },
      { kind: 'swap', sizeMib: 512 },
    ])
  })

  test('are refused when the flavor does not have them, there is a second swap, or nobody makes the format', async () => {
    const { id: flavorRef } = await flavor(62)
    const messageOf = async (mapping: object[]) => {
      const answer = await create({ flavorRef, block_device_mapping_v2: [local(), ...mapping] })
      return [answer.statusCode, (answer.json() as { badRequest: { message: string } }).badRequest.message]
    }
    const large =
      'Ephemeral disks requested are larger than the instance type allows. If no size is given in one block device mapping, flavor ephemeral size will be used.'
    expect(await messageOf([blank({ volume_size: 5 })])).toEqual([400, large])
    const swap = blank({ volume_size: 513, guest_format: 'swap' })
    expect(await messageOf([swap])).toEqual([
      400,
      'Swap drive requested is larger than instance type allows.',
    ])
    expect(await messageOf([swap, swap])).toEqual([
      400,
      'Block Device Mapping is Invalid: More than one swap drive requested.',
    ])
    const many = [blank({ volume_size: 1 }), blank({ volume_size: 1 })]
    expect(await messageOf(many)).toEqual([400, 'You specified more local devices than the limit allows'])
    expect(await messageOf([blank({ guest_format: 'ntfs' })])).toEqual([
      400,
      expect.stringContaining('This cloud makes ext2, ext3, ext4 on ephemeral disks, and not ntfs'),
    ])
    const old = await create({ flavorRef, block_device_mapping: [{ device_name: 'vdb' }] })
    expect([old.statusCode, old.body]).toEqual([400, expect.stringContaining('Unrecognized legacy format.')])
  })
})

describe('a mapping is refused as Nova refuses it:', () => {
  const sequence =
    'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.'
  const unknown = crypto.randomUUID()
  const cases: [string, () => object | Promise<object>, string][] = [
    ['no image and no mapping', () => ({ imageRef: '' }), 'Missing imageRef attribute'],
    [
      'no boot index',
      async () => ({ imageRef: '', block_device_mapping_v2: [ofVolume(await aVolume())] }),
      sequence,
    ],
    [
      'two disks with the boot index 0',
      () => ({ imageRef: '', block_device_mapping_v2: [ofImage(), ofImage()] }),
      sequence,
    ],
    [
      'both syntaxes',
      () => ({
        block_device_mapping_v2: [local()],
        block_device_mapping: [{ volume_id: unknown, device_name: 'vdb' }],
      }),
      'Using different block_device_mapping syntaxes is not allowed in the same request.',
    ],
    [
      'a volume that does not exist',
      () => ({ imageRef: '', block_device_mapping_v2: [ofVolume(unknown, { boot_index: 0 })] }),
      `Block Device Mapping is Invalid: failed to get volume ${unknown}.`,
    ],
    [
      'an image that does not exist',
      () => ({ imageRef: '', block_device_mapping_v2: [ofImage({ uuid: unknown })] }),
      `Block Device Mapping is Invalid: failed to get image ${unknown}.`,
    ],
    [
      'a snapshot that does not exist',
      () => ({
        imageRef: '',
        block_device_mapping_v2: [ofImage({ uuid: unknown, source_type: 'snapshot' })],
      }),
      `Block Device Mapping is Invalid: failed to get snapshot ${unknown}.`,
    ],
    [
      'a source without an id',
      () => ({ imageRef: '', block_device_mapping_v2: [ofImage({ uuid: undefined })] }),
      'Block Device Mapping is Invalid: Missing device UUID.',
    ],
    [
      'an empty disk with an id',
      () => ({ block_device_mapping_v2: [local(), { source_type: 'blank', uuid: unknown, volume_size: 1 }] }),
      'Block Device Mapping is Invalid: Invalid device UUID.',
    ],
    [
      'a new volume without a size',
      () => ({ imageRef: '', block_device_mapping_v2: [ofImage({ volume_size: undefined })] }),
      "Images with destination_type 'volume' need to have a non-zero size specified",
    ],
    [
      'an empty volume without a size',
      () => ({ block_device_mapping_v2: [local(), { source_type: 'blank', destination_type: 'volume' }] }),
      "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size",
    ],
    [
      'a second disk of an image on the host',
      () => ({ block_device_mapping_v2: [local(), { ...local(), boot_index: -1 }] }),
      'Block Device Mapping is Invalid: Mapping image to local is not supported.',
    ],
    [
      'swap',
      () => ({
        block_device_mapping_v2: [
          local(),
          { source_type: 'blank', destination_type: 'local', guest_format: 'swap', volume_size: 1 },
        ],
      }),
      'Swap drive requested is larger than instance type allows.',
    ],
    [
      'the type of a volume that exists',
      () => ({ imageRef: '', block_device_mapping_v2: [ofVolume(unknown, { volume_type: 'Standard' })] }),
      'Block Device Mapping is Invalid: Specifying volume type to existing volume is not supported.',
    ],
    [
      'a type that does not exist',
      () => ({ imageRef: '', block_device_mapping_v2: [ofImage({ volume_type: 'golden' })] }),
      'Volume type golden could not be found.',
    ],
    [
      'a bus that does not exist',
      () => ({ imageRef: '', block_device_mapping_v2: [ofImage({ disk_bus: 'omni' })] }),
      'Block Device Mapping is invalid: The provided disk bus omni is not valid.',
    ],
  ]
  test.each(cases)('%s', async (_what, patch, message) => {
    const answer = await create(await patch())
    expect([answer.statusCode, answer.json()]).toEqual([400, { badRequest: { code: 400, message } }])
  })

  test('a volume that is no system, that somebody has, or that is another project’s', async () => {
    const [empty, taken, foreign] = [await aVolume(), await bootable(), cloud.stranger]
    const wish = (uuid: string) => ({
      imageRef: '',
      block_device_mapping_v2: [ofVolume(uuid, { boot_index: 0 })],
    })
    const messageOf = async (uuid: string, more: object = {}) => {
      const answer = await create({ ...wish(uuid), ...more })
      return [answer.statusCode, (answer.json() as { badRequest: { message: string } }).badRequest.message]
    }
    expect(await messageOf(empty)).toEqual([400, `Block Device ${empty} is not bootable.`])
    expect(await messageOf(taken, { min_count: 2 })).toEqual([
      400,
      'Cannot attach one or more volumes to multiple instances',
    ])
    await launched(wish(taken))
    expect(await messageOf(taken)).toEqual([
      400,
      `Invalid volume: volume '${taken}' status must be 'available'. Currently in 'in-use'`,
    ])
    const theirs = await createVolume(
      foreign.ctx,
      volumeCreateInput.parse({ imageId: foreign.imageId, sizeGib: 1 }),
    )
    await foreign.settle()
    expect(await messageOf(theirs.id)).toEqual([
      400,
      `Block Device Mapping is Invalid: failed to get volume ${theirs.id}.`,
    ])
    expect((await getVolume(foreign.ctx, { id: theirs.id })).state).toBe('available')
  })

  test('a type of a volume before 2.67, and a tag where there is none', async () => {
    const of = async (minor: number, more: object) =>
      (await create({ imageRef: '', block_device_mapping_v2: [ofImage(more)] }, { minor })).body
    expect(await of(66, { volume_type: 'Standard' })).toContain("('volume_type' was unexpected)")
    expect(await of(41, { tag: 'root' })).toContain("('tag' was unexpected)")
    expect(await of(42, { tag: 'root' })).toContain('Device tags are not told')
  })
})
