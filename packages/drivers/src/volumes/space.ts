import { statfs } from 'node:fs/promises'
import { DriverError } from '../errors.ts'

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
