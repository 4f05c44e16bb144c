import { lstat, mkdir, readdir, readFile, realpath, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import { syncDirectory } from '../sync.ts'
import type { PoolSpec } from './interface.ts'
import { privateFolder } from './manifest.ts'

/**
 * Where the files of a pool lie. The pool on the host's own disk is volumes/<pool>/ in the host's folder; a pool with a
 * folder of its own is <path>/<pool>/, which only makePool makes: a file system that is not mounted is therefore never
 * taken for an empty pool.
 */
export type Folders = {
  root: string
  data: string
  snapshots: string
  frozen: string
  exports: string
  open: string
}
type FilesPool = Extract<PoolSpec, { driver: 'files' }>
export type PoolPlaces = {
  /** The folder hosts/<host>. */
  dir: string
  /** The folders of this cloud, in which no pool may lie. */
  ownFolders: readonly string[]
}

const poolId = /^[0-9a-z][0-9a-z-]{0,63}$/
const inRoot = (root: string): Folders => ({
  root,
  data: path.join(root, 'data'),
  snapshots: path.join(root, 'snapshots'),
  frozen: path.join(root, 'frozen'),
  exports: path.join(root, 'exports'),
  open: path.join(root, 'open'),
})
/** What this host keeps of a pool; the volumes of the pool on its own disk, too. */
const homeOf = (dir: string, id: string) => path.join(dir, 'volumes', id)
const markOf = (root: string) => path.join(root, 'pool.json')
const mark = z.object({ id: z.string() })
const placeFile = (dir: string, id: string) => path.join(homeOf(dir, id), 'place.json')
const placeSchema = z.object({ path: z.string(), shared: z.literal(true).optional() })

export function foldersOf(dir: string, pool: PoolSpec): Folders {
  const { id, path: own } = filesPool(pool)
  return inRoot(own === undefined ? homeOf(dir, id) : path.join(own, id))
}

/** Raises `unsupported` for a pool of another driver. */
export function filesPool(pool: PoolSpec): FilesPool {
  if (pool.driver !== 'files')
    throw new DriverError('unsupported', `This host keeps no volumes by the driver ${pool.driver}.`)
  if (!poolId.test(pool.id)) throw new DriverError('invalid', 'not an id of ours')
  return pool
}

/** The folders of a pool, after it was checked that the pool is there. Raises `unavailable` when it is not. */
export async function reachPool(places: PoolPlaces, pool: PoolSpec): Promise<Folders> {
  const folders = foldersOf(places.dir, pool)
  const { id, path: own } = filesPool(pool)
  if (own === undefined) return folders
  await checkPath(places, own)
  const text = await readFile(markOf(folders.root), 'utf8').catch(() => null)
  if (text === null)
    throw new DriverError(
      'unavailable',
      `The folder ${own} of this host does not have the pool. Is its file system mounted?`,
    )
  if (mark.safeParse(jsonIn(text)).data?.id !== id)
    throw new DriverError('failed', `${markOf(folders.root)} is damaged.`)
  return folders
}

/** Makes a pool in its folder. Repeating the call is harmless. */
export async function makePool(places: PoolPlaces, pool: PoolSpec): Promise<Folders> {
  const folders = foldersOf(places.dir, pool)
  const { id, path: own } = filesPool(pool)
  if (own !== undefined) await checkPath(places, own)
  await makeFolders(folders)
  if (own !== undefined) {
    await writeFile(markOf(folders.root), JSON.stringify({ id }), { mode: 0o600, flush: true })
    await syncDirectory(folders.root)
    await syncDirectory(own)
  }
  return folders
}

/** Removes a pool with a folder of its own. Raises `conflict` while volumes or snapshots lie there. */
export async function removePool(places: PoolPlaces, pool: PoolSpec): Promise<void> {
  const { id, path: own } = filesPool(pool)
  if (own === undefined)
    throw new DriverError('invalid', 'The pool on the disk of a host goes with the host.')
  await checkPath(places, own)
  const { root, data, snapshots, frozen, exports, open } = foldersOf(places.dir, pool)
  for (const folder of [data, snapshots, frozen, exports, open])
    if ((await readdir(folder).catch(nothing)).length > 0)
      throw new DriverError('conflict', `The folder ${folder} is not empty.`)
  // A call that was cut off may have left claims and bases, which nobody needs without volumes.
  for (const name of ['owners', 'bases']) await rm(path.join(root, name), { recursive: true, force: true })
  await rm(markOf(root), { force: true })
  for (const folder of [data, snapshots, frozen, exports, open, root]) await rmdir(folder).catch(unlessGone)
  await rm(homeOf(places.dir, id), { recursive: true, force: true })
}

export async function makeFolders(folders: Folders): Promise<Folders> {
  await mkdir(folders.root, { recursive: true, mode: 0o711 })
  await privateFolder(folders.data)
  await privateFolder(folders.snapshots)
  await privateFolder(folders.frozen)
  await privateFolder(folders.exports)
  await mkdir(folders.open, { recursive: true, mode: 0o711 })
  return folders
}

/** Raises `invalid` with the sentence why volumes cannot lie in that folder. */
async function checkPath({ ownFolders }: PoolPlaces, own: string): Promise<void> {
  const bad = (why: string) => new DriverError('invalid', `The folder ${own} ${why}`)
  const seen = await lstat(own).catch(() => null)
  if (!seen) throw bad('is not on this host.')
  const real = await realpath(own)
  if (real !== own) throw bad(`leads to ${real} by a link. Name that folder.`)
  if (!seen.isDirectory()) throw bad('is no folder.')
  if (seen.uid !== 0 || (seen.mode & 0o022) !== 0)
    throw bad('must belong to root, and nobody else may write there.')
  const inside = ownFolders.find((folder) => isWithin(own, folder) || isWithin(folder, own))
  if (inside)
    throw bad(`and the folder ${inside} of this cloud lie in each other. Choose a folder elsewhere.`)
  for (let folder = own; ; folder = path.dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0)
      throw bad(`cannot be used: the processes of guests may not pass ${folder} (chmod o+x ${folder}).`)
    if (folder === '/') return
  }
}

const isWithin = (inner: string, outer: string): boolean => `${inner}/`.startsWith(`${outer}/`)

/** Notes on this host's disk that a guest gets a volume of that pool, so that it is known where to take it away again. */
export async function noteGuest(
  dir: string,
  pool: PoolSpec,
  guestId: string,
  volumeId: string,
): Promise<void> {
  const { id, path: own, shared } = filesPool(pool)
  if (own === undefined) return
  const home = path.join(homeOf(dir, id), 'guests', guestId)
  // Guests pass through the folders above on their way to the volumes on this host's own disk.
  await mkdir(homeOf(dir, id), { recursive: true, mode: 0o711 })
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(placeFile(dir, id), JSON.stringify({ path: own, shared }), { mode: 0o600, flush: true })
  await writeFile(path.join(home, volumeId), '', { mode: 0o600 })
  for (const folder of [homeOf(dir, id), path.dirname(home), home]) await syncDirectory(folder)
}

/** Forgets such a note. */
export async function forgetGuest(
  dir: string,
  pool: PoolSpec,
  guestId: string,
  volumeId: string,
): Promise<void> {
  const home = path.join(homeOf(dir, filesPool(pool).id), 'guests', guestId)
  await rm(path.join(home, volumeId), { force: true })
  await rmdir(home).catch(unlessGone)
}

/** The pools of this host whose volumes a guest may have, with the volumes that are noted; null: nothing is noted there. */
export async function poolsOfGuest(
  dir: string,
  guestId: string,
): Promise<{ pool: FilesPool; noted: string[] | null }[]> {
  const found: { pool: FilesPool; noted: string[] | null }[] = []
  for (const id of await readdir(path.join(dir, 'volumes')).catch(nothing)) {
    // The folder may have entries that are no pools of ours, such as lost+found.
    if (!poolId.test(id)) continue
    const text = await readFile(placeFile(dir, id), 'utf8').catch(() => null)
    if (text === null) {
      found.push({ pool: { driver: 'files', id }, noted: null })
      continue
    }
    const place = placeSchema.safeParse(jsonIn(text)).data
    if (!place) throw new DriverError('failed', `${placeFile(dir, id)} is damaged.`)
    const noted = await readdir(path.join(homeOf(dir, id), 'guests', guestId)).catch(nothing)
    if (noted.length > 0) found.push({ pool: { driver: 'files', id, ...place }, noted })
  }
  return found
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The answer of readdir when the folder is not there. */
export function nothing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
  throw error
}

/** Lets a folder stay that is not empty, or gone. */
export function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error
}
