import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { syncDirectory } from '../sync.ts'

/** A file in the trash: its given name, its path, the space that it takes on disk in bytes, and when it came. */
export type Trashed = { name: string; file: string; sizeBytes: number; trashedAt: Date }

/**
 * A folder (mode 0700) in which files wait before they are removed for good. The time at which a file came is part of
 * its name ("NAME@MILLISECONDS"), so that no other record is needed. The folder must be on the same file system as
 * the files, which are only renamed. `NAME` consists of generated ids.
 */
export function openTrash(dir: string) {
  const list = async (): Promise<Trashed[]> => {
    const names = await readdir(dir).catch(missing)
    const found = await Promise.all(names.map((name) => trashed(dir, name)))
    return found.filter((one) => one !== null)
  }
  return {
    list,
    async put(file: string, name: string): Promise<void> {
      await mkdir(dir, { recursive: true, mode: 0o700 })
      await rename(file, path.join(dir, `${name}@${Date.now()}`))
      await Promise.all([syncDirectory(dir), syncDirectory(path.dirname(file))])
    },
    async takeBack(one: Trashed, target: string): Promise<void> {
      await rename(one.file, target)
      await Promise.all([syncDirectory(dir), syncDirectory(path.dirname(target))])
    },
    /**
     * Removes for good the files that came longer ago than `olderThanMs`; returns their names. The caller calls this every
     * minute: a longer pause (the machine was off, or its clock has jumped) does not count as time in the trash.
     */
    async empty({ olderThanMs }: { olderThanMs: number }): Promise<string[]> {
      const lostMs = await timeSinceAsked(dir)
      if (lostMs > longestPauseMs)
        for (const { name, file, trashedAt } of await list())
          await rename(file, path.join(dir, `${name}@${trashedAt.getTime() + lostMs}`))
      const old = (await list()).filter((one) => Date.now() - one.trashedAt.getTime() >= olderThanMs)
      for (const one of old) await rm(one.file, { force: true })
      return old.map((one) => one.name)
    },
  }
}

const longestPauseMs = 3_600_000

/** Milliseconds since the last call, which a file in the trash records; 0 at the first call. */
async function timeSinceAsked(dir: string): Promise<number> {
  if ((await readdir(dir).catch(missing)).length === 0) return 0
  const file = path.join(dir, 'asked')
  const before = Number(await readFile(file, 'utf8').catch(missing))
  const now = Date.now()
  await writeFile(file, String(now), { mode: 0o600 })
  return before > 0 ? now - before : 0
}

async function trashed(dir: string, entry: string): Promise<Trashed | null> {
  const [, name, at] = /^([0-9a-f.-]+)@(\d{1,15})$/.exec(entry) ?? []
  const file = path.join(dir, entry)
  const found = name === undefined ? undefined : await stat(file).catch(missing)
  if (name === undefined || !found || Array.isArray(found)) return null
  return { name, file, sizeBytes: found.blocks * 512, trashedAt: new Date(Number(at)) }
}

/** Treats a missing folder or file as empty: there is no trash yet, or the file was removed meanwhile. */
function missing(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return []
  throw error
}
