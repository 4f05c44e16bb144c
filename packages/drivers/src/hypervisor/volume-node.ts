import type { OpenedVolume } from '../volumes/interface.ts'

/**
 * A volume of a guest: how QEMU opens it, whether its files can be opened past the page cache (O_DIRECT), and whether the
 * guest starts from it.
 */
export type VolumeDisk = {
  id: string
  readOnly: boolean
  boot?: true
  opened: OpenedVolume
  direct: boolean
}

/** A node of QEMU's block layer, as -blockdev and blockdev-add take it. */
type BlockNode = { 'node-name': string; driver: string } & Record<string, unknown>

/** QEMU's names of a volume: of its device, and of its block node, which may have 31 characters. */
export const volumeNames = (id: string) => ({
  device: `vol-${id}`,
  node: `v${id.replaceAll('-', '').slice(0, 24)}`,
})

/**
 * The block node of a volume. Formats are always given, never probed, and each layer names the layer below it, so that
 * QEMU follows no name of a backing file in a header. The volume driver has refused headers that name a data file.
 */
export function volumeNodeOf({ id, readOnly, opened, direct }: VolumeDisk): BlockNode {
  const name = volumeNames(id).node
  const cache = { direct, 'no-flush': false }
  let below: BlockNode | null = null
  for (const [index, { path, format }] of opened.layers.entries()) {
    const isTop = index === opened.layers.length - 1
    const access = { 'read-only': readOnly || !isTop, 'auto-read-only': false, discard: 'unmap', cache }
    const own = isTop ? name : `${name}-${index}`
    below = {
      driver: format,
      'node-name': own,
      file: { driver: 'file', 'node-name': `${own}f`, filename: path, ...access },
      ...access,
      ...(format === 'qcow2' ? { backing: below } : {}),
    }
  }
  if (!below) throw new Error(`the volume ${id} has no layers`)
  return below
}

/**
 * Guests find the volume as /dev/disk/by-id/virtio- and the first 20 characters of its id (virtio allows no more). The
 * firmware starts only from a device that has a boot index.
 */
export const volumeDeviceOf = ({ id, boot }: Pick<VolumeDisk, 'id' | 'boot'>, bus: string) => ({
  driver: 'virtio-blk-pci',
  id: volumeNames(id).device,
  drive: volumeNames(id).node,
  serial: id.slice(0, 20),
  bus,
  ...(boot ? { bootindex: 1 } : {}),
})
