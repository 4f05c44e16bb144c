import { z } from 'zod'
import { findBootImage } from '../../images/service.ts'
import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { Call } from '../../openstack/operation.ts'
import { boolean, objectAt, whole } from '../../openstack/schema.ts'
import type { launchVolumeInput, VolumeView } from '../../volumes/contract.ts'
import { getSnapshot, getVolume, listVolumeTypes } from '../../volumes/service.ts'
import type { localDiskInput } from '../contract.ts'

/** Nova's block device mappings in the bodies of launches: their checks in its order, with its words. */

const id = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[a-zA-Z0-9._-]*$/, 'is not an id')
const common = {
  device_name: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[a-zA-Z0-9._/-]*$/, 'is no name of a device')
    .optional(),
  no_device: z.unknown().optional(),
  delete_on_termination: boolean.optional(),
  volume_size: whole(1).optional(),
  virtual_name: z.string().max(255).optional(),
}
export type Device = {
  source_type?: 'image' | 'volume' | 'snapshot' | 'blank'
  destination_type?: 'local' | 'volume'
  uuid?: string
  boot_index?: number | string | null
  device_name?: string
  no_device?: unknown
  delete_on_termination?: boolean
  volume_size?: number
  volume_type?: string | null
  disk_bus?: string
  guest_format?: string
  tag?: string
}
export const device = (minor: number) =>
  objectAt(minor, {
    ...common,
    source_type: z.enum(['volume', 'image', 'snapshot', 'blank'], 'is no type of a source').optional(),
    destination_type: z.enum(['local', 'volume'], 'is not local or volume').optional(),
    uuid: id.optional(),
    image_id: id.optional(),
    volume_id: id.optional(),
    snapshot_id: id.optional(),
    boot_index: z.union([z.int(), z.string().regex(/^-?\d{1,9}$/), z.null()]).optional(),
    guest_format: z.string().max(255).optional(),
    device_type: z.string().max(255).optional(),
    disk_bus: z.string().max(255).optional(),
    connection_info: z.unknown().optional(),
    // Versions 2.33 to 2.41 do not have the tag, because of a bug that they keep.
    ...(minor === 32 || minor >= 42 ? { tag: z.string().max(60).optional() } : {}),
    volume_type: { schema: z.string().max(255).nullish(), since: 67 },
  }) as z.ZodType<Device>

export type OldDevice = {
  device_name?: string
  no_device?: unknown
  delete_on_termination?: boolean
  volume_size?: number
  volume_id?: string
  snapshot_id?: string
  virtual_name?: string
}
export const oldDevice = z.strictObject({
  ...common,
  volume_id: id.optional(),
  snapshot_id: id.optional(),
  connection_info: z.unknown().optional(),
}) as z.ZodType<OldDevice>

const invalid = (details: string, cause?: unknown) =>
  new HttpError(400, `Block Device Mapping is Invalid: ${details}`, { cause })

type Wish = {
  imageRef?: string
  block_device_mapping?: OldDevice[]
  block_device_mapping_v2?: Device[]
  max_count?: number
  min_count?: number
}
type LaunchVolume = z.input<typeof launchVolumeInput>
type LocalDisk = z.input<typeof localDiskInput>
type Disks = { volumes: LaunchVolume[]; localDisks: LocalDisk[] }

/**
 * Returns the disks that the body wishes for. A volume with `boot` is the root disk, else the image has a disk of the host.
 * The local disks are the ephemeral and swap disks.
 */
export async function disksOf(call: Call, wish: Wish): Promise<Disks> {
  const { imageRef, block_device_mapping: old = [], block_device_mapping_v2: given = [] } = wish
  if (old.length > 0 && given.length > 0)
    throw new HttpError(
      400,
      'Using different block_device_mapping syntaxes is not allowed in the same request.',
    )
  const isNamed = imageRef !== undefined
  const devices = (old.length > 0 ? fromOld(old, isNamed) : given).filter((one) => !one.no_device)
  for (const one of devices) checkFormat(one, isNamed)
  if (devices.length === 0) return { volumes: [], localDisks: [] }
  checkBootOrder(devices)
  const volumes = devices.filter((one) => destinationOf(one) === 'volume')
  if (
    volumes.some((one) => one.source_type === 'volume') &&
    Math.max(wish.max_count ?? 1, wish.min_count ?? 1) > 1
  )
    throw new HttpError(400, 'Cannot attach one or more volumes to multiple instances')
  for (const one of volumes) await checkSource(call, one)
  const local = devices.filter((one) => one.source_type === 'blank' && destinationOf(one) === 'local')
  return { volumes: volumes.map(asVolume), localDisks: asLocalDisks(local) }
}

/** The older mapping names volumes and snapshots; the first one is the root disk when no image is. */
function fromOld(old: readonly OldDevice[], isNamed: boolean): Device[] {
  const devices = old.map(({ volume_id, snapshot_id, virtual_name: name = '', ...one }): Device => {
    const uuid = volume_id ?? snapshot_id
    if (/^(swap|ephemeral\d*)$/.test(name) || one.no_device)
      return {
        ...{ ...one, source_type: 'blank', destination_type: 'local', boot_index: -1 },
        ...(name === 'swap' ? { guest_format: 'swap' } : {}),
      }
    if (uuid === undefined) throw invalid('Unrecognized legacy format.')
    const source_type = volume_id === undefined ? 'snapshot' : 'volume'
    return { ...one, uuid, source_type, destination_type: 'volume', boot_index: -1 }
  })
  if (isNamed)
    return [{ source_type: 'image', destination_type: 'local', uuid: 'image', boot_index: 0 }, ...devices]
  const first = devices.findIndex((one) => one.source_type !== 'blank' && !one.no_device)
  return devices.map((one, index) => (index === first ? { ...one, boot_index: 0 } : one))
}

const destinationOf = ({ source_type, destination_type }: Device): 'local' | 'volume' =>
  destination_type ?? (source_type === 'image' || source_type === 'blank' ? 'local' : 'volume')
const bootIndexOf = ({ boot_index }: Device): number => Number(boot_index ?? -1)

function checkFormat(one: Device, isNamed: boolean): void {
  const { source_type, uuid, volume_type } = one
  if (source_type === undefined) throw invalid('Invalid source_type field.')
  if (source_type === 'blank' && uuid) throw invalid('Invalid device UUID.')
  if (source_type !== 'blank' && !uuid) throw invalid('Missing device UUID.')
  const isLocal = destinationOf(one) === 'local'
  if (source_type === 'image' && isLocal && !(isNamed && bootIndexOf(one) === 0))
    throw invalid('Mapping image to local is not supported.')
  if ((source_type === 'volume' || source_type === 'snapshot') && isLocal)
    throw invalid(`Mapping ${source_type} to local is not supported.`)
  if (isLocal && volume_type)
    throw invalid('Specifying a volume_type with destination_type=local is not supported.')
  if (source_type === 'volume' && volume_type)
    throw invalid('Specifying volume type to existing volume is not supported.')
  if (one.tag !== undefined) throw new HttpError(400, 'Device tags are not told to guests by this cloud.')
}

function checkBootOrder(devices: readonly Device[]): void {
  const order = devices
    .map(bootIndexOf)
    .filter((index) => index >= 0)
    .sort((a, b) => a - b)
  if (order.length === 0 || order.some((value, index) => value !== index))
    throw invalid('Boot sequence for the instance and image/block device mapping combination is not valid.')
}

/** The buses that Nova knows; ours is virtio, whatever the body names. */
const buses = ['fdc', 'ide', 'sata', 'scsi', 'usb', 'virtio', 'xen', 'lxc', 'uml']

async function checkSource(call: Call, one: Device): Promise<void> {
  const { source_type, uuid = '', volume_size, disk_bus, volume_type } = one
  const isRoot = bootIndexOf(one) === 0
  if (source_type === 'image') await checkImage(call, { uuid, sizeGib: volume_size, isRoot })
  if (source_type === 'volume') checkVolume(await volumeNamed(call, uuid), isRoot)
  if (source_type === 'snapshot') await checkSnapshot(call, uuid)
  if (source_type === 'blank' && volume_size === undefined)
    throw new HttpError(400, "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")
  if (disk_bus !== undefined && !buses.includes(disk_bus))
    throw new HttpError(
      400,
      `Block Device Mapping is invalid: The provided disk bus ${disk_bus.slice(0, 50)} is not valid.`,
    )
  const types = volume_type ? await listVolumeTypes(call.ctx) : []
  if (volume_type && !types.some((type) => type.id === volume_type || type.name === volume_type))
    throw new HttpError(400, `Volume type ${volume_type} could not be found.`)
}

async function checkImage(
  call: Call,
  { uuid, sizeGib, isRoot }: { uuid: string; sizeGib: number | undefined; isRoot: boolean },
): Promise<void> {
  const image = z.uuid().safeParse(uuid).success ? await findBootImage(call.ctx, uuid) : null
  if (!image) throw invalid(`failed to get image ${uuid}.`)
  if (sizeGib === undefined)
    throw new HttpError(400, "Images with destination_type 'volume' need to have a non-zero size specified")
  const gib = 1024 ** 3
  if (isRoot && sizeGib < image.minDiskGib)
    throw new HttpError(
      400,
      `Volume is smaller than the minimum size specified in image metadata. Volume size is ${sizeGib * gib} bytes, minimum size is ${image.minDiskGib * gib} bytes.`,
    )
}

async function checkSnapshot(call: Call, uuid: string): Promise<void> {
  const none = (cause?: unknown) => invalid(`failed to get snapshot ${uuid}.`, cause)
  if (!z.uuid().safeParse(uuid).success) throw none()
  await getSnapshot(call.ctx, { id: uuid }).catch((error: unknown) => {
    throw error instanceof CloudError && error.code === 'not_found' ? none(error) : error
  })
}

async function volumeNamed(call: Call, uuid: string): Promise<VolumeView> {
  const none = (cause?: unknown) => invalid(`failed to get volume ${uuid}.`, cause)
  if (!z.uuid().safeParse(uuid).success) throw none()
  return getVolume(call.ctx, { id: uuid }).catch((error: unknown) => {
    throw error instanceof CloudError && error.code === 'not_found' ? none(error) : error
  })
}

function checkVolume(volume: VolumeView, isRoot: boolean): void {
  if (isRoot && !volume.bootable) throw new HttpError(400, `Block Device ${volume.id} is not bootable.`)
  if (volume.state !== 'available')
    throw new HttpError(
      400,
      `Invalid volume: volume '${volume.id}' status must be 'available'. Currently in '${volume.state}'`,
    )
}

/** The sizes of swap are in MiB, and those of ephemeral disks in GiB. What the flavor allows is checked at the launch. */
function asLocalDisks(devices: readonly Device[]): LocalDisk[] {
  const disks = devices.map(({ guest_format, volume_size: size }): LocalDisk => {
    if (guest_format === 'swap') return { kind: 'swap', ...(size === undefined ? {} : { sizeMib: size }) }
    return {
      kind: 'ephemeral',
      ...(size === undefined ? {} : { sizeGib: size }),
      ...(guest_format ? { format: formatOf(guest_format) } : {}),
    }
  })
  if (disks.filter(({ kind }) => kind === 'swap').length > 1)
    throw invalid('More than one swap drive requested.')
  return disks
}

const formats = ['ext2', 'ext3', 'ext4'] as const
function formatOf(wanted: string): (typeof formats)[number] {
  const format = formats.find((one) => one === wanted)
  if (format) return format
  throw new HttpError(
    400,
    `This cloud makes ${formats.join(', ')} on ephemeral disks, and not ${wanted.slice(0, 50)}: leave guest_format out, and format the disk in the guest.`,
  )
}

function asVolume(one: Device): LaunchVolume {
  const { source_type, uuid = '', volume_size, volume_type, device_name, delete_on_termination } = one
  return {
    boot: bootIndexOf(one) === 0,
    from:
      source_type === undefined || source_type === 'blank'
        ? { kind: 'blank' }
        : { kind: source_type, id: uuid },
    deleteOnTermination: delete_on_termination ?? false,
    ...(source_type === 'volume' ? {} : { sizeGib: volume_size }),
    ...(volume_type ? { type: volume_type } : {}),
    ...(device_name ? { device: device_name } : {}),
  }
}
