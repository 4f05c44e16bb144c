import { readlink, rename, rm, symlink } from 'node:fs/promises'

/**
 * The path of the link that lies beside a disk, in a folder that only root may write. The link points to the base
 * that the disk was made from, or to "none" for a full copy. It alone decides which base a guest may read: a QEMU
 * that its guest has taken over can write any name into the header of its disk.
 */
export const baseLink = (disk: string): string => `${disk}.base`
const none = 'none'

/** The path of a disk's base; null for a full copy, undefined when there is no link. */
export async function baseOf(disk: string): Promise<string | null | undefined> {
  try {
    const base = await readlink(baseLink(disk))
    return base === none ? null : base
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

export async function recordBase(disk: string, base: string | null): Promise<void> {
  const draft = `${baseLink(disk)}.tmp`
  await rm(draft, { force: true })
  await symlink(base ?? none, draft)
  await rename(draft, baseLink(disk))
}
