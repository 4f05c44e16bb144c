import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Op } from '../op.ts'
import { syncDirectory } from '../sync.ts'
import type { Claims } from './claims.ts'
import { copySparse } from './copy.ts'
import type { PoolSpec } from './interface.ts'
import { syncFile } from './layer-files.ts'
import type { Folders } from './pool-folders.ts'
import { demandSpace } from './space.ts'

/** How long a base stays in a pool when no volume there needs it any more. */
const unusedMs = 3_600_000
const baseName = /^[0-9a-f]{64}\.raw$/

/**
 * The base of an image as a file of the pool's own file system, so that each volume of the image has a hard link to one
 * copy. Where the host's base lies in the same file system, that is it.
 */
export async function baseInPool(
  op: Op,
  { pool, root, claims }: { pool: PoolSpec; root: Folders['root']; claims: Claims },
  base: string,
): Promise<string> {
  if ((await stat(base)).dev === (await stat(root)).dev) return base
  const folder = path.join(root, 'bases')
  const name = path.basename(base)
  const own = path.join(folder, name)
  return claims.during(pool, name, async () => {
    if (await isThere(own)) return own
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const part = `${own}.part`
    await rm(part, { force: true })
    op.progress('copying the image into the pool')
    await demandSpace(folder, (await stat(base)).blocks * 512, 'the image in the pool')
    try {
      await copySparse(op, base, part)
      await chmod(part, 0o444)
      await syncFile(part)
      await rename(part, own)
      await syncDirectory(folder)
      return own
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
  })
}

/** Removes the bases that no volume of the pool has needed for an hour; `at`: the time now. */
export async function dropBases(
  { pool, root, claims }: { pool: PoolSpec; root: Folders['root']; claims: Claims },
  at = Date.now(),
): Promise<void> {
  const folder = path.join(root, 'bases')
  const isUnused = async (file: string) => {
    const seen = await stat(file).catch(() => null)
    return seen !== null && seen.nlink === 1 && seen.ctimeMs < at - unusedMs
  }
  for (const name of await readdir(folder).catch(() => [])) {
    const file = path.join(folder, name)
    if (!baseName.test(name) || !(await isUnused(file))) continue
    await claims.during(pool, name, async () => {
      if (await isUnused(file)) await rm(file, { force: true })
    })
  }
}

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  )
