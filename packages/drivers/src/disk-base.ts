import { readlink, rename, rm, symlink } from 'node:fs/promises'

/**
 * Beside a disk lies a link to the base that it was made from, or to "none" for a full copy, in a folder
 * that only root may write. It alone says what a guest may read: a QEMU that its guest has taken over can
 * write any name into the header of its disk.
 */
export const baseLink = (disk: string): string => `${disk}.base`
const none = 'none'

/** Null for a full copy; undefined where nothing is recorded. */
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
