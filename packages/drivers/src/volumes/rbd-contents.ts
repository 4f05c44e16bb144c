import { mkdir, open, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { BaseSpec } from '../storage/interface.ts'
import { syncDirectory } from '../sync.ts'
import type { Ceph } from './ceph.ts'
import { exportIn, removeExportFile, writeExport } from './exports.ts'
import type {
  ExportKey,
  ExportSpec,
  FrozenKey,
  FrozenVolume,
  LocalVolumeDriver,
  ObservedExport,
  PoolSpec,
  ReceivedCopy,
  Refill,
  RunningGuest,
  VolumeContent,
  VolumeKey,
} from './interface.ts'
import { syncFile } from './layer-files.ts'
import { rawParts } from './raw.ts'
import { makeCopy } from './rbd-copy.ts'
import {
  at,
  cloneAs,
  collect,
  collectGone,
  demandFits,
  dropSnapshot,
  type Image,
  listImages,
  names,
  observed,
  orNull,
  rbd,
  removeImage,
  resize,
  snapshotsOf,
  usedBytes,
} from './rbd-images.ts'
import { create, findSnapshot } from './rbd-snapshots.ts'
import { fillFile } from './refill.ts'
import { withRoom } from './space.ts'

/** Whole contents of volumes in Ceph: they get those of images and backups, and become images and backups. */

type Guest = RunningGuest | 'none' | 'elsewhere'
export type Contents = {
  /** The folder hosts/<host>. What is brought here from Ceph lies there for a while. */
  dir: string
  imagesDir: string
  converter?: number
  of(pool: PoolSpec): Promise<Ceph>
  held<T>(op: Op, key: VolumeKey, work: (volume: { image: Image; guest: Guest }) => Promise<T>): Promise<T>
  unused(op: Op, ceph: Ceph, id: string, image: Image): Promise<void>
  baseIn(op: Op, ceph: Ceph, base: BaseSpec, sizeBytes: number): Promise<number | null>
}

/** Returns null while the image is still being brought into Ceph. */
export async function reimage(
  { of, held, unused, baseIn }: Contents,
  op: Op,
  { base, ...key }: VolumeKey & { base: BaseSpec },
): Promise<Image | null> {
  const ceph = await of(key.pool)
  return held(op, key, async ({ image }) => {
    await unused(op, ceph, key.id, image)
    await refuseSnapshots(ceph, op, key.id)
    const sourceBytes = await baseIn(op, ceph, base, image.size)
    if (sourceBytes === null) return null
    await removeImage(ceph, op, names.next(key.id))
    const made = { id: key.id, name: names.next(key.id), sizeBytes: image.size, sourceBytes }
    await cloneAs(ceph, op, { image: names.image(base.blobId), snapshot: names.base }, made)
    await putInPlace(ceph, op, key.id)
    return image
  })
}

export async function refill(
  { dir, of, held, unused }: Contents,
  op: Op,
  key: VolumeKey,
  fill: (volume: Refill) => Promise<void>,
): Promise<void> {
  const ceph = await of(key.pool)
  const ready = async (image: Image) => {
    await unused(op, ceph, key.id, image)
    await refuseSnapshots(ceph, op, key.id)
    return image.size
  }
  const sizeBytes = await held(op, key, ({ image }) => ready(image))
  const file = await fileIn(dir, 'refill', key.id)
  try {
    await rm(file, { force: true })
    await fillFile(file, sizeBytes, fill)
    await held(op, key, async ({ image }) => {
      demandFits(sizeBytes, await ready(image))
      await removeImage(ceph, op, names.next(key.id))
      await removeImage(ceph, op, names.part(key.id))
      await importAs(ceph, op, file, { id: key.id, sizeBytes: image.size, fileBytes: sizeBytes })
      await putInPlace(ceph, op, key.id)
    })
  } finally {
    await rm(file, { force: true })
  }
}

/** Brings a file into Ceph as the next content of a volume. */
async function importAs(
  ceph: Ceph,
  op: Op,
  file: string,
  { id, sizeBytes, fileBytes }: { id: string; sizeBytes: number; fileBytes: number },
): Promise<void> {
  const part = names.part(id)
  try {
    await rbd(ceph, op, 'import', '--no-progress', file, at(ceph, part))
    if (sizeBytes > fileBytes) await resize(ceph, op, part, sizeBytes)
    await rbd(ceph, op, 'rename', at(ceph, part), at(ceph, names.next(id)))
  } catch (error) {
    await removeImage(ceph, op, part)
    throw error
  }
}

/** The new content is in the image `next-<id>`, which is whole. A crash in between is mended by `volumeOf` (rbd-images.ts). */
async function putInPlace(ceph: Ceph, op: Op, id: string): Promise<void> {
  const gone = names.gone(`${id}-${crypto.randomUUID().slice(0, 8)}`)
  await rbd(ceph, op, 'rename', at(ceph, names.volume(id)), at(ceph, gone))
  await rbd(ceph, op, 'rename', at(ceph, names.next(id)), at(ceph, names.volume(id)))
  await collectGone(ceph, op, id)
}

/** A snapshot is one of the image that would be replaced. */
async function refuseSnapshots(ceph: Ceph, op: Op, id: string): Promise<void> {
  const snapshots = (await snapshotsOf(ceph, op, names.volume(id))) ?? []
  if (snapshots.some(({ name }) => name.startsWith('snapshot-')))
    throw new DriverError(
      'conflict',
      `The volume ${id} has snapshots, and lies in Ceph: remove them before it gets other contents.`,
    )
}

/** Writes what the volume contains now into a raw file of this host, which nobody but root reads. */
async function bring(
  { of, held }: Contents,
  op: Op,
  { key, name, file }: { key: VolumeKey; name: string; file: string },
): Promise<{ sizeBytes: number; quiesced: boolean }> {
  const ceph = await of(key.pool)
  const volume = names.volume(key.id)
  const kept = await held(op, key, async ({ image, guest }) => {
    const take = () => create(ceph, op, volume, name)
    if (typeof guest !== 'string') return { sizeBytes: image.size, quiesced: await guest.quiesced(take) }
    await take()
    return { sizeBytes: image.size, quiesced: guest === 'none' }
  })
  try {
    await download(ceph, op, { image: volume, name, sizeBytes: kept.sizeBytes }, file)
    return kept
  } finally {
    const end = { ...op, signal: AbortSignal.timeout(60_000) }
    await dropSnapshot(ceph, end, key.id, name)
  }
}

/** `name` is that of a snapshot; without it, what the image contains now is meant. */
type Snapshot = { image: string; name?: string; sizeBytes: number }

async function download(ceph: Ceph, op: Op, from: Snapshot, file: string): Promise<void> {
  await rm(file, { force: true })
  await demandRoom(ceph, op, from, path.dirname(file))
  await rbd(ceph, op, 'export', '--no-progress', at(ceph, from.image, from.name), file)
}

/** The space that must stay free: what we bring here must never make the disk full for a guest's own writes. */
const spareBytes = 512 * 1024 ** 2

async function demandRoom(ceph: Ceph, op: Op, from: Snapshot, folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const room = bavail * bsize - spareBytes
  if (from.sizeBytes <= room || (await usedBytes(ceph, op, from.image, from.name)) <= room) return
  throw new DriverError('no_space', `What the volume contains does not fit into ${folder} for a while.`)
}

export async function exportOf(contents: Contents, op: Op, spec: ExportSpec): Promise<ObservedExport> {
  const { dir, imagesDir, converter } = contents
  const done = await exportIn(imagesDir, spec.exportId)
  if (done) return done
  const file = await fileIn(dir, 'export', spec.exportId)
  try {
    const key = { id: spec.id, pool: spec.pool }
    const { sizeBytes } = await bring(contents, op, { key, name: `export-${spec.exportId}`, file })
    const layers = [{ path: file, format: 'raw' as const }]
    return await writeExport(op, imagesDir, spec, { layers, sizeBytes }, converter)
  } finally {
    await rm(file, { force: true })
  }
}

export async function dropExport(
  { dir, imagesDir, of }: Contents,
  op: Op,
  { id, exportId, pool }: ExportKey,
): Promise<void> {
  await removeExportFile(imagesDir, exportId)
  await rm(await fileIn(dir, 'export', exportId), { force: true })
  // A call that was cut off may have left the snapshot.
  const ceph = await of(pool)
  if (id !== undefined) return dropSnapshot(ceph, op, id, `export-${exportId}`)
  for (const { image, snapshot } of await listImages(ceph, op)) {
    if (snapshot !== `export-${exportId}`) continue
    await orNull(rbd(ceph, op, 'snap', 'rm', '--no-progress', at(ceph, image, snapshot)))
    await collect(ceph, op, image)
  }
}

const frozenSchema = z.object({ sizeBytes: z.int(), quiesced: z.boolean() })

/**
 * A backup reads a file of this host, into which the whole volume is brought first: Ceph tells no changes since an earlier
 * backup to us, and so every backup is a whole one.
 */
export async function frozen(
  contents: Contents,
  op: Op,
  backup: FrozenKey & { snapshotId: string | null },
): Promise<FrozenVolume> {
  const file = await fileIn(contents.dir, 'frozen', backup.id)
  const before = await readFile(toldIn(file), 'utf8').catch(() => null)
  const kept =
    before === null ? await keep(contents, op, backup, file) : frozenSchema.parse(JSON.parse(before))
  return {
    ...{ ...kept, luks: null, since: null, hasChanged: async () => true },
    ...(await openBrought(op, file, contents.converter)),
  }
}

/** Opens what was brought from Ceph into a file of this host. Close what is opened. */
async function openBrought(
  op: Op,
  file: string,
  converter: number | undefined,
): Promise<Pick<FrozenVolume, 'read' | 'close'>> {
  const handle = await open(file, 'r')
  try {
    const partsOf = await rawParts(op, handle, converter)
    return {
      async read(place, length) {
        if ((await partsOf(place, length)).length === 0) return null
        const bytes = Buffer.alloc(length)
        for (let done = 0; done < length; ) {
          const { bytesRead } = await handle.read(bytes, done, length - done, place + done)
          if (bytesRead === 0) throw new DriverError('failed', `${file} is too short.`)
          done += bytesRead
        }
        // Ceph brings whole objects, also where only a part of one was ever written.
        return bytes.equals(Buffer.alloc(length)) ? null : bytes
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** See LocalVolumeDriver. What the volume contains is brought into a file of this host first. */
async function readUnused(
  contents: Contents,
  op: Op,
  key: VolumeKey,
  work: (content: VolumeContent) => Promise<void>,
): Promise<void> {
  const { dir, of, held, unused, converter } = contents
  const ceph = await of(key.pool)
  await held(op, key, async ({ image }) => {
    await unused(op, ceph, key.id, image)
    const file = await fileIn(dir, 'read', key.id)
    try {
      op.progress('bringing the volume from Ceph')
      await download(ceph, op, { image: names.volume(key.id), sizeBytes: image.size }, file)
      const { read, close } = await openBrought(op, file, converter)
      try {
        await work({ sizeBytes: image.size, luks: null, read })
      } finally {
        await close()
      }
    } finally {
      await rm(file, { force: true })
    }
  })
}

/** See LocalVolumeDriver. The content is written into a file of this host first. */
async function receiveCopy(
  { dir, of, unused }: Contents,
  op: Op,
  { id, pool, copyId, sizeBytes, luks }: ReceivedCopy,
  fill: (volume: Refill) => Promise<void>,
): Promise<Image> {
  if (luks) throw new DriverError('unsupported', 'This host encrypts no volumes in Ceph.')
  const ceph = await of(pool)
  return makeCopy(
    op,
    ceph,
    { id, copyId },
    (there) => unused(op, ceph, id, there),
    async (part) => {
      const file = await fileIn(dir, 'received', id)
      try {
        await rm(file, { force: true })
        await fillFile(file, sizeBytes, (into) => fill(withRoom(dir, into)))
        op.progress('bringing the copy into Ceph')
        await rbd(ceph, op, 'import', '--no-progress', file, at(ceph, part))
      } finally {
        await rm(file, { force: true })
      }
    },
  )
}

/** What is told of a file stands beside it, and says that the file is whole. */
const toldIn = (file: string) => `${file}.json`

/** Brings the content here and says that it is whole; or nothing is left on the disk. */
async function keep(
  contents: Contents,
  op: Op,
  backup: FrozenKey & { snapshotId: string | null },
  file: string,
): Promise<z.output<typeof frozenSchema>> {
  const draft = `${toldIn(file)}.part`
  try {
    const kept = await freeze(contents, op, backup, file)
    await syncFile(file)
    await writeFile(draft, JSON.stringify(kept), { mode: 0o600, flush: true })
    await rename(draft, toldIn(file))
    await syncDirectory(path.dirname(file))
    return kept
  } catch (error) {
    await removeKept(file)
    throw error
  }
}

async function removeKept(file: string): Promise<void> {
  for (const one of [toldIn(file), `${toldIn(file)}.part`, file]) await rm(one, { force: true })
}

async function freeze(
  contents: Contents,
  op: Op,
  { id, volumeId, snapshotId, pool }: FrozenKey & { snapshotId: string | null },
  file: string,
): Promise<z.output<typeof frozenSchema>> {
  const key = { id: volumeId, pool }
  if (snapshotId === null) return bring(contents, op, { key, name: `export-${id}`, file })
  const ceph = await contents.of(pool)
  const found = await findSnapshot(ceph, op, snapshotId)
  if (!found) throw new DriverError('not_found', `The snapshot ${snapshotId} is gone from its pool.`)
  await download(ceph, op, found, file)
  return { sizeBytes: found.sizeBytes, quiesced: found.quiesced }
}

export async function dropFrozen(
  { dir, of }: Contents,
  op: Op,
  { id, volumeId, pool }: FrozenKey,
): Promise<void> {
  await removeKept(await fileIn(dir, 'frozen', id))
  // A call that was cut off may have left the snapshot.
  await dropSnapshot(await of(pool), op, volumeId, `export-${id}`)
}

async function fileIn(
  dir: string,
  what: 'export' | 'frozen' | 'refill' | 'read' | 'received',
  id: string,
): Promise<string> {
  const folder = path.join(dir, 'from-ceph')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return path.join(folder, `${what}-${id}`)
}

/** The methods of a driver for contents. `turn` lets the calls with one id come one after the other. */
export function contentMethods(
  contents: Contents,
  turn: <T>(id: string, work: () => Promise<T>) => Promise<T>,
): Pick<LocalVolumeDriver, 'openFrozen' | 'dropFrozen' | 'refillVolume' | 'readUnused' | 'receiveCopy'> {
  return {
    openFrozen: (op, backup) => turn(backup.id, () => frozen(contents, op, backup)),
    dropFrozen: (op, key) => turn(key.id, () => dropFrozen(contents, op, key)),
    async refillVolume(op, key, luks, fill) {
      if (luks) throw new DriverError('invalid', 'The content is encrypted, and the volume is not.')
      await refill(contents, op, key, fill)
    },
    readUnused: (op, key, work) => readUnused(contents, op, key, work),
    receiveCopy: (op, copy, fill) =>
      turn(copy.id, async () => observed(copy.id, await receiveCopy(contents, op, copy, fill))),
  }
}
