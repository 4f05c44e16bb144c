import type { FileHandle } from 'node:fs/promises'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { readJailed } from './jail.ts'

/** The longest description of an image that is read, in bytes: more than half a million runs of data. */
const mostBytes = 64 * 1024 ** 2
/** An image with more runs than that has nearly as many bytes as its disk; this is the part of the disk that its file must have. */
const leastShare = 1 / 8

/**
 * The bytes that the raw copy of an image takes on the disk. The tables of a qcow2 can name the same bytes any number of
 * times, so that a small file becomes a disk that is full: such an image raises `invalid`. `node` is how qemu-img opens
 * the image on the descriptor `image`; `virtualBytes`: the most that the disk may have.
 */
export async function dataBytes(
  op: Op,
  { image, node, uid, virtualBytes }: { image: FileHandle; node: object; uid: number; virtualBytes: number },
): Promise<number> {
  const { size } = await image.stat()
  const argv = ['qemu-img', 'map', '--output=json', `json:${JSON.stringify(node)}`]
  const said = await readJailed(op, { uid, source: image.fd }, argv, mostBytes)
  if (said === null) {
    if (size < virtualBytes * leastShare) throw repeated()
    return virtualBytes
  }
  let bytes = 0
  let stored = 0
  for (const run of JSON.parse(said) as { length: number; data: boolean; offset?: number }[]) {
    if (!run.data) continue
    bytes += run.length
    // Compressed data have no place of their own, and may be many times larger than in the file.
    if (run.offset !== undefined) stored += run.length
  }
  if (stored > size) throw repeated()
  return bytes
}

const repeated = () =>
  new DriverError('invalid', 'The tables of the image name the same bytes of its file many times.')
