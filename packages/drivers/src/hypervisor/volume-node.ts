import type { OpenedLayers, OpenedVolume, ServedVolume } from '../volumes/interface.ts'
import type { VolumeLimits } from './interface.ts'

/**
 * A volume of a guest: how QEMU opens it, whether its files can be opened past the page cache (O_DIRECT), and whether the
 * guest starts from it.
 */
export type VolumeDisk = {
  id: string
  readOnly: boolean
  boot?: true
  shared?: true
  limits: VolumeLimits
  opened: OpenedVolume
  direct: boolean
}

/** A node of QEMU's block layer, as -blockdev and blockdev-add take it. */
type BlockNode = { 'node-name': string; driver: string } & Record<string, unknown>

/**
 * QEMU's names of a volume: of its device, of its block node, which may have 31 characters, of the group that bounds
 * its speed, and of the object that has its key.
 */
export const volumeNames = (id: string) => ({
  device: `vol-${id}`,
  node: `v${id.replaceAll('-', '').slice(0, 24)}`,
  limits: `limits-${id}`,
  key: `key-${id}`,
})

/** QEMU's name of the job that merges layers of a volume. */
export const mergeJob = (id: string): string => `m${id.replaceAll('-', '').slice(0, 24)}`

/** QEMU's name of the job that copies a volume into another pool. */
export const mirrorJob = (id: string): string => `c${id.replaceAll('-', '').slice(0, 24)}`

/** QEMU's name of a layer. The volume driver gives no two layers of a volume numbers with the same last three digits. */
export const layerNode = (id: string, number: number): string => `${volumeNames(id).node}-${number % 1000}`

/** QEMU's name of the connection to the server of a volume. */
export const servedNode = (id: string): string => layerNode(id, 0)

/** How long the reads and writes of a guest wait for the server of a volume, which its host starts again when it has ended. */
const serverMayBeAwayS = 300

/**
 * The block node of a volume: a filter that stays on top while layers are added below it, and below the filter the layers,
 * or the connection to the server of the volume. An encrypted volume is decrypted above all layers, so that the files have
 * ciphertext alone.
 */
export function volumeNodeOf({ id, readOnly, opened, direct }: VolumeDisk): BlockNode {
  const { node, limits } = volumeNames(id)
  const below = 'socket' in opened ? served(id, opened, readOnly) : layersOf(id, opened, { readOnly, direct })
  const access = { 'read-only': readOnly, discard: 'unmap' }
  const isEncrypted = 'layers' in opened && opened.luks !== undefined
  const file = isEncrypted ? decrypting(id, `${node}-luks`, { readOnly, below }) : below
  return { driver: 'throttle', 'node-name': node, 'throttle-group': limits, ...access, file }
}

const decrypting = (
  id: string,
  name: string,
  { readOnly, below }: { readOnly: boolean; below: BlockNode },
): BlockNode => ({
  ...{ driver: 'luks', 'node-name': name, 'key-secret': volumeNames(id).key },
  ...{ 'read-only': readOnly, discard: 'unmap', file: below },
})

/** What a copy of an encrypted volume is opened as: QEMU's names of its two nodes differ from those of the volume's own. */
export const encryptedCopyOf = (id: string, number: number, below: BlockNode): BlockNode =>
  decrypting(id, `${volumeNames(id).node}-l${number % 1000}`, {
    readOnly: false,
    // Where nothing was ever written there are zeros, and zeros that are decrypted and encrypted again are zeros.
    below: { ...below, 'detect-zeroes': 'unmap' },
  })
/** Whether it is QEMU's name of a node that decrypts a volume. */
export const isDecrypting = (name: string): boolean => /-l(uks|\d{1,3})$/.test(name)

/**
 * The object with the key of an encrypted volume, as -object and object-add take it; null for a plain one. QEMU reads the
 * file when it makes the object.
 */
export const keyObjectOf = ({ id, opened }: Pick<VolumeDisk, 'id' | 'opened'>) =>
  'layers' in opened && opened.luks
    ? { 'qom-type': 'secret', id: volumeNames(id).key, file: opened.luks.keyFile, format: 'raw' }
    : null

const served = (id: string, { socket }: ServedVolume, readOnly: boolean): BlockNode => ({
  ...{ driver: 'nbd', 'node-name': servedNode(id), server: { type: 'unix', path: socket }, export: 'volume' },
  ...{ 'reconnect-delay': serverMayBeAwayS, 'read-only': readOnly, discard: 'unmap' },
})

/**
 * Formats are always given, never probed, and each layer names the layer below it, so that QEMU follows no name of a
 * backing file in a header. The volume driver has refused headers that name a data file.
 */
function layersOf(
  id: string,
  opened: OpenedLayers,
  { readOnly, direct }: { readOnly: boolean; direct: boolean },
): BlockNode {
  let below: BlockNode | null = null
  for (const [index, layer] of opened.layers.entries()) {
    const isTop = index === opened.layers.length - 1
    below = layerNodeOf(id, layer, { readOnly: readOnly || !isTop, direct, below })
  }
  if (!below) throw new Error(`the volume ${id} has no layers`)
  return below
}

/** The block node of one layer. `below` null: the layer gets the layer below it later (blockdev-snapshot). */
export function layerNodeOf(
  id: string,
  { path, format, number }: OpenedLayers['layers'][number],
  { readOnly, direct, below }: { readOnly: boolean; direct: boolean; below: BlockNode | null },
): BlockNode {
  const name = layerNode(id, number)
  const access = { discard: 'unmap', cache: { direct, 'no-flush': false } }
  // With auto-read-only QEMU opens the file for writing only while something writes: a guest, or a merge of layers.
  const rights = { 'read-only': false, 'auto-read-only': true }
  return {
    driver: format,
    'node-name': name,
    file: { driver: 'file', 'node-name': `${name}f`, filename: path, ...access, ...rights },
    ...access,
    'read-only': readOnly,
    'auto-read-only': false,
    ...(format === 'qcow2' ? { backing: below } : {}),
  }
}

/** QEMU's name of the controller of the disks of a guest that reaches them by SCSI. */
export const scsiController = 'disks'

type DeviceProperties = Record<string, string | number | boolean>

/** Where a disk is plugged in: the name of a PCIe port, or the number on the SCSI controller. */
export type DiskPlace = string | number

/**
 * The properties of QEMU's device by which the guest sees a disk of that id. Guests find the disk in /dev/disk/by-id: as
 * virtio- and the first 20 characters of the id (virtio allows no more), or as scsi-0QEMU_QEMU_HARDDISK_ and the id.
 */
export const diskDeviceAt = (place: DiskPlace, id: string): DeviceProperties =>
  typeof place === 'string'
    ? { driver: 'virtio-blk-pci', bus: place, serial: id.slice(0, 20) }
    : { driver: 'scsi-hd', bus: `${scsiController}.0`, 'scsi-id': place, serial: id, device_id: id }

/** The firmware starts only from a device that has a boot index. */
export const volumeDeviceOf = (
  { id, boot, shared }: Pick<VolumeDisk, 'id' | 'boot' | 'shared'>,
  place: DiskPlace,
): DeviceProperties => ({
  ...diskDeviceAt(place, id),
  id: volumeNames(id).device,
  drive: volumeNames(id).node,
  ...(boot ? { bootindex: 1 } : {}),
  // Without this QEMU locks the file, so that no other QEMU can write it.
  ...(shared ? { 'share-rw': true } : {}),
})
