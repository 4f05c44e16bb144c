import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { DriverError, isDiskFull } from '../errors.ts'
import { syncDirectory } from '../sync.ts'
import { createLater } from './later.ts'
import type { BackupStore } from './store.ts'

/** How many pieces are on their way to the disk at once: a disk makes many durable in about the time of one. */
const writesAtOnce = 16

/**
 * How much of the disk stays free, in bytes. A store in the data folder shares its disk with the database and with guests, which
 * must go on. A disk of its own is left a fiftieth at most.
 */
export const spareBytes = { shared: 1024 ** 3, own: 256 * 1024 ** 2 }
/** How much is written between two looks at the free space, in bytes. */
const strideBytes = 64 * 1024 ** 2

const mark = 'store.json'
const markSchema = z.object({ id: z.string().min(1) })
const noteSchema = markSchema.extend({ root: z.string() })

/**
 * Backups in a folder, which may be a mounted one of another machine. Only root enters the folder. A folder that is not mounted
 * looks like an empty store; so the first use puts a mark into the folder, and the host keeps a note of the mark in the file
 * `note`, which must lie in the host's data folder and not in this one. Every later call raises `unavailable` when the mark is not there.
 */
export function createFolderStore(root: string, note: string, spare = spareBytes): BackupStore {
  const placeOf = (name: string): string => {
    if (!/^[0-9a-z.-]+(\/[0-9a-z.-]+)*$/.test(name) || /(^|\/)\.\.?(\/|$)/.test(name))
      throw new DriverError('invalid', 'not a name of ours')
    return path.join(root, name)
  }
  const later = createLater(writesAtOnce)
  /** The folders in which files were written whose names are perhaps not durable yet, each with the number of its last write. */
  const written = new Map<string, number>()
  let writes = 0
  const noteWrite = (file: string) => void written.set(path.dirname(file), ++writes)

  const marked = () => readJson(path.join(root, mark), markSchema)
  let beginning: Promise<string> | null = null

  async function demandMark(): Promise<string> {
    const noted = await readJson(note, noteSchema)
    if (noted?.root !== root) {
      beginning ??= begin().finally(() => {
        beginning = null
      })
      return beginning
    }
    const found = await marked()
    if (found?.id === noted.id) return noted.id
    throw new DriverError(
      'unavailable',
      found === null
        ? `The store of backups is not at ${root}: its mark ${mark} is missing. Is the folder mounted?`
        : `The store of backups is not at ${root}: its mark ${mark} is another one than in ${note}. Remove that file when the folder is to be the store from now on.`,
    )
  }
  async function begin(): Promise<string> {
    await mkdir(root, { recursive: true, mode: 0o700 })
    if ((await marked()) === null) await makeMark(root)
    // Another host may have made the mark meanwhile.
    const found = await marked()
    if (found === null)
      throw new DriverError('unavailable', `${path.join(root, mark)} is no mark of a store of backups.`)
    await mkdir(path.dirname(note), { recursive: true })
    await writeWhole(note, JSON.stringify({ root, id: found.id }))
    return found.id
  }
  async function spaceNow() {
    const { blocks, bavail, bsize } = await statfs(root)
    const [own, data] = await Promise.all([stat(root), stat(note)])
    return {
      ...{ totalBytes: blocks * bsize, freeBytes: bavail * bsize },
      sharesDisk: own.dev === data.dev,
    }
  }
  /** How much may be written until the next look at the free space. */
  let room = 0
  async function demandRoom(bytes: number): Promise<void> {
    if (room < bytes) {
      const { totalBytes, freeBytes, sharesDisk } = await spaceNow()
      const left = freeBytes - (sharesDisk ? spare.shared : Math.min(spare.own, totalBytes / 50))
      if (left < bytes) throw full()
      room = Math.min(left, strideBytes)
    }
    room -= bytes
  }
  return {
    async space() {
      const id = await demandMark()
      return { ...(await spaceNow()), mark: id }
    },
    async write(name, bytes) {
      const file = placeOf(name)
      await demandMark()
      await demandRoom(bytes.length)
      await writeDurably(file, [bytes])
      noteWrite(file)
    },
    async writeLater(work, name, parts, onOver = () => undefined) {
      try {
        const file = placeOf(name)
        await demandMark()
        await demandRoom(parts.reduce((sum, { length }) => sum + length, 0))
        await later.begin(placeOf(work), file, () =>
          writeDurably(file, parts)
            .then(() => noteWrite(file))
            .finally(onOver),
        )
      } catch (error) {
        onOver()
        throw error
      }
    },
    async settle(name) {
      const below = placeOf(name)
      await later.end(below)
      // An earlier process may have written there and not said so.
      if ((await isFolder(below)) && !written.has(below)) written.set(below, 0)
      for (const [dir, number] of [...written])
        if (dir === below || dir.startsWith(`${below}/`)) {
          // A folder that is gone by now has nothing that must be durable.
          for (let one = dir; one.startsWith(root); one = path.dirname(one))
            await syncDirectory(one).catch(orNull)
          // Until here others who settle the same must not believe that it is done, and something may have been written since.
          if (written.get(dir) === number) written.delete(dir)
        }
    },
    async read(name, into) {
      const file = placeOf(name)
      await demandMark()
      return into ? readInto(file, into) : readFile(file).catch(orNull)
    },
    async list(name) {
      const folder = name === undefined ? root : placeOf(name)
      await demandMark()
      return (await readdir(folder).catch(orNull)) ?? []
    },
    async remove(name) {
      const file = placeOf(name)
      await demandMark()
      await rm(file, { recursive: true, force: true })
      await removeEmpty(root, path.dirname(file))
    },
  }
}

const full = (cause?: unknown) => new DriverError('no_space', 'The store of backups is full.', { cause })

async function writeDurably(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const draft = `${file}.tmp`
  try {
    const handle = await openIn(path.dirname(file), draft)
    try {
      for (const bytes of parts) await handle.writeFile(bytes)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw isDiskFull(error) ? full(error) : error
  }
}

/** Opens a new file in a folder, which a removal of something else may take away before the file is there. */
async function openIn(folder: string, file: string): Promise<FileHandle> {
  for (let tries = 1; ; tries++) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    try {
      return await open(file, 'w', 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 10) throw error
    }
  }
}

/** Reads a file into this memory, which is not new for each file; a larger file into memory of its own. */
async function readInto(file: string, into: Buffer): Promise<Buffer | null> {
  const handle = await open(file).catch(orNull)
  if (!handle) return null
  try {
    if ((await handle.stat()).size > into.length) return await handle.readFile()
    for (let done = 0; ; ) {
      const { bytesRead } = await handle.read(into, done, into.length - done, done)
      if (bytesRead === 0) return into.subarray(0, done)
      done += bytesRead
    }
  } finally {
    await handle.close()
  }
}

/** Removes a folder below the root when nothing is in it, and then the folders above it in the same way. */
async function removeEmpty(root: string, folder: string): Promise<void> {
  for (let dir = folder; dir.startsWith(root + path.sep); dir = path.dirname(dir))
    try {
      await rmdir(dir)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (['ENOTEMPTY', 'EEXIST'].includes(code)) return
      if (!['ENOENT', 'ENOTDIR'].includes(code)) throw error
    }
}

/** Null when there is no such file, or the file says nothing. */
async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await readFile(file, 'utf8').catch(orNull)
  try {
    return text === null ? null : (schema.safeParse(JSON.parse(text)).data ?? null)
  } catch {
    return null // Somebody else's file is no mark.
  }
}

/** Makes the mark unless there is one. Of several hosts that do so at once, link() lets one succeed, also over NFS. */
async function makeMark(root: string): Promise<void> {
  const draft = path.join(root, `${mark}.${crypto.randomUUID()}.tmp`)
  await writeFile(draft, JSON.stringify({ id: crypto.randomUUID() }), { mode: 0o600, flush: true })
  try {
    await link(draft, path.join(root, mark)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { force: true })
  }
  await syncDirectory(root)
}

async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${crypto.randomUUID()}.tmp`
  await writeFile(draft, text, { mode: 0o600, flush: true })
  await rename(draft, file)
  await syncDirectory(path.dirname(file))
}

const isFolder = (dir: string): Promise<boolean> =>
  stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  )

function orNull(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  throw error
}
