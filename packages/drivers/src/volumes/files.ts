import { constants } from 'node:fs'
import {
  chmod,
  chown,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
} from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import { DriverError, isDiskFull } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import type { Op } from '../op.ts'
import { qemuImg } from '../qemu-img.ts'
import type { BaseSpec } from '../storage/interface.ts'
import { syncDirectory } from '../sync.ts'
import { createTurns } from '../turns.ts'
import type {
  LocalVolumeDriver,
  ObservedVolume,
  OpenedVolume,
  PoolSpec,
  ResizeVolume,
  VolumeSpec,
} from './interface.ts'
import { checkLayer, growLayer } from './layers.ts'
import { type Manifest, privateFolder, readManifest, writeManifest } from './manifest.ts'

export type VolumeFilesOptions = {
  /** The folder hosts/<host>. The local pool lies in volumes/<pool>/ in it. */
  dir: string
  /**
   * Runs `work` while that guest neither starts nor ends. `resize` makes a volume larger by the guest's QEMU; it is null
   * when the guest does not run, so that nobody has the files of its volumes open. Whoever needs the guest and a
   * volume takes the guest first, as a start does, so that nobody waits for the other in a circle.
   */
  withGuest<T>(op: Op, guestId: string, work: (resize: ResizeVolume | null) => Promise<T>): Promise<T>
  /** The user id for image tools, which no guest has; that of defaultGuestUids when absent. */
  converter?: number
  /** Makes the raw base of an image, and returns its path; null while the base is still being made. */
  baseOf(op: Op, base: BaseSpec): Promise<string | null>
}

const gib = 1024 ** 3
/** How many volumes are looked at at once. */
const filesAtOnce = 16
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const poolName = /^[0-9a-z][0-9a-z-]{0,63}$/

/**
 * Volumes as files in a folder of this host, in layers. An empty volume is one raw file; a volume from an image
 * has a hard link to the image's base and a layer of its own above it, so it is made at once whatever its size. In data/<volume>/, which only root enters, lie the layers with their manifest. A guest's process
 * reaches the layers of its volumes by further links in open/<guest>/, a folder that only this guest's user may pass.
 */
export function createVolumeFiles(options: VolumeFilesOptions): LocalVolumeDriver {
  const inTurn = createTurns()
  const folders = (pool: PoolSpec) => {
    const root = path.join(options.dir, 'volumes', checked(pool.id, poolName))
    return { root, data: path.join(root, 'data'), open: path.join(root, 'open') }
  }
  const dirOf = (key: { id: string; pool: PoolSpec }) =>
    path.join(folders(key.pool).data, checked(key.id, uuid))
  return {
    async probePool(_op, pool) {
      const { data } = await made(folders(pool))
      const { blocks, bavail, bsize } = await statfs(data)
      return { totalGib: Math.floor((blocks * bsize) / gib), freeGib: Math.floor((bavail * bsize) / gib) }
    },
    ensureVolume: (op, spec) =>
      inTurn(spec.id, async () => {
        const dir = dirOf(spec)
        await removePart(dir)
        const known = await readManifest(dir)
        if (known) return observed(spec.id, dir, known)
        await made(folders(spec.pool))
        const source = await sourceOf(op, options, spec)
        return source && make(op, spec, source, dir)
      }),
    removeVolume: (_op, key) =>
      inTurn(key.id, async () => {
        const dir = dirOf(key)
        const guest = (await holders(folders(key.pool).open, key.id))[0]
        if (guest) throw new DriverError('conflict', `The guest ${guest} has the volume ${key.id}.`)
        await removeWhole(dir)
      }),
    async growVolume(op, { id, pool, sizeGib }) {
      const dir = dirOf({ id, pool })
      const holder = async () => (await holders(folders(pool).open, id))[0]
      const guest = await holder()
      const size = { id, sizeBytes: sizeGib * gib }
      const growBy = (resize: ResizeVolume | null) =>
        inTurn(id, async () => {
          if ((await holder()) !== guest)
            throw new DriverError('unavailable', `Another guest got or left the volume ${id} meanwhile.`)
          return grow(dir, size, (file, format) =>
            resize
              ? resize(size)
              : growLayer(op, { file, format, sizeBytes: size.sizeBytes }, options.converter),
          )
        })
      return guest === undefined ? growBy(null) : options.withGuest(op, guest, growBy)
    },
    listVolumes: (op, pool) => listIn(op, folders(pool).data),
    openVolume: (_op, key, guest) =>
      inTurn(key.id, () => openFor(dirOf(key), folders(key.pool).open, key.id, guest)),
    async closeVolumes(_op, guestId, except) {
      const volumes = path.join(options.dir, 'volumes')
      for (const id of await readdir(volumes).catch(none)) {
        // The folder may have entries that are no pools of ours, such as lost+found.
        if (!poolName.test(id)) continue
        const place = folders({ driver: 'files', id })
        const own = path.join(place.open, checked(guestId, uuid))
        const names = await readdir(own).catch(none)
        const kept = new Set(except.filter((key) => key.pool.id === id).map((key) => key.id))
        for (const volume of new Set(names.map((name) => name.slice(0, 36))))
          if (!kept.has(volume))
            await inTurn(volume, () => closeFor(path.join(place.data, volume), own, volume))
        if (kept.size === 0) await rmdir(own).catch(unlessUsed)
      }
    },
  }
}

/** One damaged volume does not hide the others: it is left out, and the log has the reason. */
async function listIn(op: Op, data: string): Promise<ObservedVolume[]> {
  const names = (await readdir(data).catch(none)).filter((name) => uuid.test(name))
  const found = await pLimit(filesAtOnce).map(names, async (id) => {
    try {
      const manifest = await readManifest(path.join(data, id))
      return manifest && (await observed(id, path.join(data, id), manifest))
    } catch (err) {
      op.log.error({ err, volume: id }, 'a volume cannot be listed')
      return null
    }
  })
  return found.filter((one) => one !== null)
}

/** Removes what an interrupted making or removal of the volume has left. */
const removePart = (dir: string) => rm(`${dir}.part`, { recursive: true, force: true })

/** Removes a volume's folder. After an interruption the folder is whole, or it is no volume any more. */
async function removeWhole(dir: string): Promise<void> {
  await removePart(dir)
  const isThere = await rename(dir, `${dir}.part`).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
  if (!isThere) return
  await syncDirectory(path.dirname(dir))
  await removePart(dir)
}

type Folders = { root: string; data: string; open: string }

async function made(folders: Folders): Promise<Folders> {
  await mkdir(folders.root, { recursive: true, mode: 0o711 })
  await privateFolder(folders.data)
  await mkdir(folders.open, { recursive: true, mode: 0o711 })
  return folders
}

/** The layers with which a new volume begins. None of them is written any more. */
type Source = { layers: { path: string; format: 'raw' | 'qcow2' }[]; sizeBytes: number }

async function sourceOf(
  op: Op,
  { baseOf }: VolumeFilesOptions,
  { source }: VolumeSpec,
): Promise<Source | null> {
  if (!source) return { layers: [], sizeBytes: 0 }
  const base = await baseOf(op, source.base)
  return base === null
    ? null
    : { layers: [{ path: base, format: 'raw' }], sizeBytes: (await stat(base)).size }
}

/** Makes the file of a further layer. Nothing names the file until the manifest is written. */
async function addLayer(op: Op, dir: string, manifest: Manifest): Promise<Manifest['layers'][number]> {
  const last = manifest.layers.at(-1)
  const name = `${Number.parseInt(last?.name ?? '-1', 10) + 1}.qcow2`
  const file = path.join(dir, name)
  await rm(file, { force: true })
  const below = last ? ['-u', '-F', last.format, '-b', last.name] : []
  await qemuImg(op, ['create', '-q', '-f', 'qcow2', ...below, file, String(manifest.sizeBytes)])
  await chmod(file, 0o600)
  await syncFile(file)
  return { name, format: 'qcow2' }
}

async function make(op: Op, spec: VolumeSpec, source: Source, dir: string): Promise<ObservedVolume> {
  const sizeBytes = spec.sizeGib * gib
  if (source.sizeBytes > sizeBytes)
    throw new DriverError('invalid', `the source has ${source.sizeBytes} bytes, the volume ${sizeBytes}`)
  const part = `${dir}.part`
  try {
    await privateFolder(part)
    const layers: Manifest['layers'] = []
    for (const { path: from, format } of source.layers) {
      const name = `${layers.length}.${format}`
      await linkOrCopy(from, path.join(part, name))
      layers.push({ name, format })
    }
    const manifest = { sizeBytes, layers }
    layers.push(layers.length === 0 ? await emptyLayer(part, sizeBytes) : await addLayer(op, part, manifest))
    await writeManifest(part, manifest)
    await rename(part, dir)
    await syncDirectory(path.dirname(dir))
    return observed(spec.id, dir, manifest)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw isDiskFull(error) ? new DriverError('no_space', 'the disk is full', { cause: error }) : error
  }
}

async function emptyLayer(dir: string, sizeBytes: number): Promise<Manifest['layers'][number]> {
  const file = await open(path.join(dir, '0.raw'), 'wx', 0o600)
  try {
    await file.truncate(sizeBytes)
    await file.sync()
  } finally {
    await file.close()
  }
  return { name: '0.raw', format: 'raw' }
}

/** A hard link; a copy when the source lies in another file system. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    await chmod(to, 0o444)
    await syncFile(to)
  }
}

async function grow(
  dir: string,
  { id, sizeBytes }: { id: string; sizeBytes: number },
  resize: (file: string, format: 'raw' | 'qcow2') => Promise<void>,
): Promise<ObservedVolume> {
  const manifest = await readManifest(dir)
  const top = manifest?.layers.at(-1)
  if (!manifest || !top) throw new DriverError('not_found', `volume ${id}`)
  if (sizeBytes < manifest.sizeBytes)
    throw new DriverError('invalid', `volume ${id} has ${manifest.sizeBytes} bytes already`)
  await resize(path.join(dir, top.name), top.format)
  const grown = { ...manifest, sizeBytes }
  await writeManifest(dir, grown)
  return observed(id, dir, grown)
}

async function openFor(
  dir: string,
  open: string,
  id: string,
  guest: { id: string; uid: number },
): Promise<OpenedVolume> {
  const manifest = await readManifest(dir)
  if (!manifest) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
  const other = (await holders(open, id)).find((one) => one !== guest.id)
  if (other) throw new DriverError('conflict', `The guest ${other} has the volume ${id}.`)
  for (const { name, format } of manifest.layers)
    if (format === 'qcow2') await checkLayer(path.join(dir, name))
  const own = path.join(open, checked(guest.id, uuid))
  await mkdir(own, { recursive: true, mode: 0o710 })
  await chown(own, 0, guest.uid)
  await chmod(own, 0o710)
  const layers: OpenedVolume['layers'][number][] = []
  for (const { name, format } of manifest.layers) {
    const to = path.join(own, `${id}-${name}`)
    await link(path.join(dir, name), to).catch(unlessThere)
    layers.push({ path: to, format })
  }
  await giveFile(path.join(dir, manifest.layers.at(-1)?.name ?? ''), guest.uid)
  return { layers }
}

async function closeFor(dir: string, own: string, id: string): Promise<void> {
  for (const name of await readdir(own).catch(none))
    if (name.startsWith(`${id}-`)) await rm(path.join(own, name), { force: true })
  const top = (await readManifest(dir))?.layers.at(-1)
  if (top && (await holders(path.dirname(own), id)).length === 0) await giveFile(path.join(dir, top.name), 0)
}

/** The guests that have links to the volume. */
async function holders(open: string, id: string): Promise<string[]> {
  const found: string[] = []
  for (const guest of await readdir(open).catch(none))
    if ((await readdir(path.join(open, guest)).catch(none)).some((name) => name.startsWith(`${id}-`)))
      found.push(guest)
  return found
}

async function observed(id: string, dir: string, { sizeBytes, layers }: Manifest): Promise<ObservedVolume> {
  const sizes = await Promise.all(
    layers.map(async ({ name }) => (await stat(path.join(dir, name))).blocks * 512),
  )
  return { id, sizeBytes, usedBytes: sizes.reduce((a, b) => a + b, 0) }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function none(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
  throw error
}

function unlessUsed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

function checked(id: string, pattern: RegExp): string {
  if (!pattern.test(id)) throw new DriverError('invalid', 'not an id of ours')
  return id
}
