import { readlink, rename, rm, symlink } from 'node:fs/promises'

/**
 * Beside a disk that is an overlay lies a link to the base that it was made from, in a folder that only
 * root may write. It alone says what a guest may read: a QEMU that its guest has taken over can write
 * any name into the header of its disk.
 */
export const baseLink = (disk: string): string => `${disk}.base`

/** Null for a disk that has none. */
export async function baseOf(disk: string): Promise<string | null> {
  return readlink(baseLink(disk)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
}

export async function recordBase(disk: string, base: string): Promise<void> {
  const draft = `${baseLink(disk)}.tmp`
  await rm(draft, { force: true })
  await symlink(base, draft)
  await rename(draft, baseLink(disk))
}
