import { statfs } from 'node:fs/promises'
import { DriverError } from '../errors.ts'
import type { Refill } from './interface.ts'

/** The space that must stay free beside what this host writes itself: it must never make the disk full for a guest's own writes. */
const spareBytes = 512 * 1024 ** 2

/** Raises `no_space` unless so many bytes can be written into the folder. `what`: what needs them, as in "a copy of the volume". */
export async function demandSpace(folder: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const needed = bytes + spareBytes
  if (bavail * bsize < needed)
    throw new DriverError(
      'no_space',
      `There is no room for ${what}, which needs up to ${needed} free bytes for a while.`,
    )
}

/** How much is written between two looks at the free space. */
const strideBytes = 256 * 1024 ** 2

/** Raises `no_space` before the disk of this host is full: nobody knows beforehand how much is written. */
export function withRoom(folder: string, into: Refill): Refill {
  let room = 0
  return {
    sizeBytes: into.sizeBytes,
    async write(place, bytes) {
      if (room < bytes.length) {
        await demandSpace(folder, strideBytes, 'a copy of the volume')
        room = strideBytes
      }
      room -= bytes.length
      await into.write(place, bytes)
    },
  }
}
