import { mkdir, open, readdir, readFile, rename, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import { DriverError, isDiskFull } from '../errors.ts'
import { syncDirectory } from '../sync.ts'
import type { BackupStore } from './store.ts'

/** Backups in a folder, which may be a mounted one of another machine. Only root enters the folder. */
export function createFolderStore(root: string): BackupStore {
  const placeOf = (name: string): string => {
    if (!/^[0-9a-z.-]+(\/[0-9a-z.-]+)*$/.test(name) || /(^|\/)\.\.?(\/|$)/.test(name))
      throw new DriverError('invalid', 'not a name of ours')
    return path.join(root, name)
  }
  /** The folders in which files were written whose names are perhaps not durable yet. */
  const written = new Set<string>()
  return {
    async space() {
      await mkdir(root, { recursive: true, mode: 0o700 })
      const { blocks, bavail, bsize } = await statfs(root)
      return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
    },
    async write(name, bytes) {
      const file = placeOf(name)
      const draft = `${file}.tmp`
      try {
        await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
        const handle = await open(draft, 'w', 0o600)
        try {
          await handle.writeFile(bytes)
          await handle.datasync()
        } finally {
          await handle.close()
        }
        await rename(draft, file)
        written.add(path.dirname(file))
      } catch (error) {
        await rm(draft, { force: true })
        throw isDiskFull(error)
          ? new DriverError('no_space', 'The store of backups is full.', { cause: error })
          : error
      }
    },
    async settle(name) {
      const below = placeOf(name)
      for (const dir of [...written])
        if (dir === below || dir.startsWith(`${below}/`)) {
          written.delete(dir)
          for (let one = dir; one.startsWith(root); one = path.dirname(one)) await syncDirectory(one)
        }
    },
    read: (name) => readFile(placeOf(name)).catch(orNull),
    list: async (name) => (await readdir(placeOf(name)).catch(orNull)) ?? [],
    async remove(name) {
      await rm(placeOf(name), { recursive: true, force: true })
    },
  }
}

function orNull(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  throw error
}
