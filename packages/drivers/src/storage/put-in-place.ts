import { chmod, open, rename } from 'node:fs/promises'
import path from 'node:path'
import { recordBase } from '../disk-base.ts'
import { syncDirectory } from '../sync.ts'

/** Makes a complete file the disk at its place, with the record of its base (null: none), so that no crash leaves half of a disk. */
export async function putInPlace(part: string, disk: string, base: string | null): Promise<void> {
  await chmod(part, 0o600)
  const handle = await open(part, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(part, disk)
  await recordBase(disk, base)
  await syncDirectory(path.dirname(disk))
}
