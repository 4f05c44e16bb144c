import { open, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { Ceph } from './ceph.ts'
import type { FrozenVolume } from './interface.ts'
import { rawParts } from './raw.ts'
import { at, rbd, usedBytes } from './rbd-images.ts'

/** Contents of volumes that are brought from Ceph into files of this host. */

/** `name` is that of a snapshot; without it, what the image contains now is meant. */
type Snapshot = { image: string; name?: string; sizeBytes: number }

export async function download(ceph: Ceph, op: Op, from: Snapshot, file: string): Promise<void> {
  await rm(file, { force: true })
  await demandRoom(ceph, op, from, path.dirname(file))
  await rbd(ceph, op, 'export', '--no-progress', at(ceph, from.image, from.name), file)
}

/** The space that must stay free: what we bring here must never make the disk full for a guest's own writes. */
const spareBytes = 512 * 1024 ** 2

/** Raises `no_space` unless the content fits into the folder. `from`: further words for `rbd diff`, which say since when. */
export async function demandRoom(
  ceph: Ceph,
  op: Op,
  {
    image,
    name,
    sizeBytes,
    from,
  }: Omit<Snapshot, 'sizeBytes'> & { sizeBytes?: number; from?: readonly string[] },
  folder: string,
): Promise<true> {
  const { bavail, bsize } = await statfs(folder)
  const room = bavail * bsize - spareBytes
  if (sizeBytes !== undefined && sizeBytes <= room) return true
  if ((await usedBytes(ceph, op, { image, snapshot: name, from })) <= room) return true
  throw new DriverError('no_space', `What the volume contains does not fit into ${folder} for a while.`)
}

/** Opens what was brought from Ceph into a file of this host. Close what is opened. */
export async function openBrought(
  op: Op,
  file: string,
  converter: number | undefined,
): Promise<Pick<FrozenVolume, 'read' | 'close'>> {
  const handle = await open(file, 'r')
  try {
    const partsOf = await rawParts(op, handle, converter)
    return {
      async read(place, length) {
        if ((await partsOf(place, length)).length === 0) return null
        const bytes = Buffer.alloc(length)
        for (let done = 0; done < length; ) {
          const { bytesRead } = await handle.read(bytes, done, length - done, place + done)
          if (bytesRead === 0) throw new DriverError('failed', `${file} is too short.`)
          done += bytesRead
        }
        // Ceph brings whole objects, also where only a part of one was ever written.
        return bytes.equals(Buffer.alloc(length)) ? null : bytes
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}
