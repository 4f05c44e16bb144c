import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { syncDirectory } from './sync.ts'

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
    /** Removes for good what came longer ago than that; returns the names. */
    async empty({ olderThanMs }: { olderThanMs: number }): Promise<string[]> {
      const old = (await list()).filter((one) => Date.now() - one.trashedAt.getTime() >= olderThanMs)
      for (const one of old) await rm(one.file, { force: true })
      return old.map((one) => one.name)
    },
  }
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
