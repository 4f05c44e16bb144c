import { rm } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { BaseSpec } from '../storage/interface.ts'
import type { Ceph } from './ceph.ts'
import { exportIn, removeExportFile, writeExport } from './exports.ts'
import type { FromCeph } from './from-ceph.ts'
import type {
  ExportKey,
  ExportSpec,
  LocalVolumeDriver,
  ObservedExport,
  PoolSpec,
  ReceivedCopy,
  Refill,
  RunningGuest,
  VolumeContent,
  VolumeKey,
} from './interface.ts'
import { dropFrozen, openFrozen, type Readers } from './rbd-backup.ts'
import { makeCopy } from './rbd-copy.ts'
import { download, openBrought } from './rbd-download.ts'
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
} from './rbd-images.ts'
import { create } from './rbd-snapshots.ts'
import { fillFile } from './refill.ts'
import { withRoom } from './space.ts'

/** Whole contents of volumes in Ceph: they get those of images and backups, and become images and backups. */

type Guest = RunningGuest | 'none' | 'elsewhere'
export type Contents = {
  files: FromCeph
  readers: Readers
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
  { files, of, held, unused }: Contents,
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
  const file = await files.file('refill', key.id)
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

export async function exportOf(contents: Contents, op: Op, spec: ExportSpec): Promise<ObservedExport> {
  const { files, imagesDir, converter } = contents
  const done = await exportIn(imagesDir, spec.exportId)
  if (done) return done
  const file = await files.file('export', spec.exportId)
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
  { files, imagesDir, of }: Contents,
  op: Op,
  { id, exportId, pool }: ExportKey,
): Promise<void> {
  await removeExportFile(imagesDir, exportId)
  await rm(await files.file('export', exportId), { force: true })
  // A call that was cut off may have left the snapshot.
  const ceph = await of(pool)
  if (id !== undefined) return dropSnapshot(ceph, op, id, `export-${exportId}`)
  for (const { image, snapshot } of await listImages(ceph, op)) {
    if (snapshot !== `export-${exportId}`) continue
    await orNull(rbd(ceph, op, 'snap', 'rm', '--no-progress', at(ceph, image, snapshot)))
    await collect(ceph, op, image)
  }
}

/** See LocalVolumeDriver. What the volume contains is brought into a file of this host first. */
async function readUnused(
  contents: Contents,
  op: Op,
  key: VolumeKey,
  work: (content: VolumeContent) => Promise<void>,
): Promise<void> {
  const { files, of, held, unused, converter } = contents
  const ceph = await of(key.pool)
  await held(op, key, async ({ image }) => {
    await unused(op, ceph, key.id, image)
    const file = await files.file('read', key.id)
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
  { files, of, unused }: Contents,
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
      const file = await files.file('received', id)
      try {
        await rm(file, { force: true })
        await fillFile(file, sizeBytes, (into) => fill(withRoom(path.dirname(file), into)))
        op.progress('bringing the copy into Ceph')
        await rbd(ceph, op, 'import', '--no-progress', file, at(ceph, part))
      } finally {
        await rm(file, { force: true })
      }
    },
  )
}

/** The methods of a driver for contents. `turn` lets the calls with one id come one after the other. */
export function contentMethods(
  contents: Contents,
  turn: <T>(id: string, work: () => Promise<T>) => Promise<T>,
): Pick<LocalVolumeDriver, 'openFrozen' | 'dropFrozen' | 'refillVolume' | 'readUnused' | 'receiveCopy'> {
  return {
    openFrozen: (op, backup) => turn(backup.id, () => openFrozen(contents, op, backup)),
    dropFrozen: (op, key, isBackedUp) =>
      turn(key.id, () => turn(key.volumeId, () => dropFrozen(contents, op, key, isBackedUp))),
    async refillVolume(op, key, luks, fill) {
      if (luks) throw new DriverError('invalid', 'The content is encrypted, and the volume is not.')
      await refill(contents, op, key, fill)
    },
    readUnused: (op, key, work) => readUnused(contents, op, key, work),
    receiveCopy: (op, copy, fill) =>
      turn(copy.id, async () => observed(copy.id, await receiveCopy(contents, op, copy, fill))),
  }
}
