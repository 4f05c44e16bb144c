import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { syncDirectory } from '../sync.ts'

/** A file in the trash: the name that it was given, its place, its bytes on disk, and since when. */
export type Trashed = { name: string; file: string; sizeBytes: number; trashedAt: Date }

/**
 * A folder (0700, of the caller alone) in which files wait before they are gone for good. When each came
 * is part of its name ("NAME@MILLISECONDS"), so that nothing else has to be kept. On the file system of
 * what goes in: everything is a rename. `NAME` consists of generated ids.
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
     * Removes for good what came longer ago than that; returns the names. Somebody asks every minute: a time in
     * which nobody did (the machine was off, or its clock has jumped) is no part of anything's time.
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

/** Milliseconds since this was asked the last time, by a file of the trash; 0 when it never was. */
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

/** Nothing is there: no trash yet, or it went while we looked. */
function missing(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return []
  throw error
}
