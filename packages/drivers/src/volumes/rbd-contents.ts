import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { DriverError, isDiskFull } from '../errors.ts'
import type { Op } from '../op.ts'
import type { BaseSpec } from '../storage/interface.ts'
import type { Ceph } from './ceph.ts'
import { exportIn, removeExportFile, writeExport } from './exports.ts'
import type {
  ExportSpec,
  FrozenKey,
  FrozenVolume,
  LocalVolumeDriver,
  ObservedExport,
  PoolSpec,
  Refill,
  RunningGuest,
  VolumeKey,
} from './interface.ts'
import { rawParts } from './raw.ts'
import {
  at,
  cloneAs,
  collect,
  demandFits,
  type Image,
  names,
  orNull,
  rbd,
  removeImage,
  resize,
  snapshotsOf,
} from './rbd-images.ts'
import { create, findSnapshot } from './rbd-snapshots.ts'

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
    await written(file, sizeBytes, fill)
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

async function written(file: string, sizeBytes: number, fill: (volume: Refill) => Promise<void>) {
  const handle = await open(file, 'w', 0o600)
  try {
    await handle.truncate(sizeBytes)
    await fill({
      sizeBytes,
      async write(place, bytes) {
        for (let done = 0; done < bytes.length; )
          done += (await handle.write(bytes, done, bytes.length - done, place + done)).bytesWritten
      },
    })
  } catch (error) {
    throw isDiskFull(error) ? new DriverError('no_space', 'the disk is full', { cause: error }) : error
  } finally {
    await handle.close()
  }
}

/** The new content is in the image `next-<id>`, which is whole. A crash in between is mended by `volumeOf` (rbd-images.ts). */
async function putInPlace(ceph: Ceph, op: Op, id: string): Promise<void> {
  const gone = names.gone(`${id}-${crypto.randomUUID().slice(0, 8)}`)
  await rbd(ceph, op, 'rename', at(ceph, names.volume(id)), at(ceph, gone))
  await rbd(ceph, op, 'rename', at(ceph, names.next(id)), at(ceph, names.volume(id)))
  await collect(ceph, op, gone)
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
    await rm(file, { force: true })
    await rbd(ceph, op, 'export', '--no-progress', at(ceph, volume, name), file)
    return kept
  } finally {
    const end = { ...op, signal: AbortSignal.timeout(60_000) }
    await orNull(rbd(ceph, end, 'snap', 'rm', '--no-progress', at(ceph, volume, name)))
  }
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

export async function dropExport({ dir, imagesDir }: Contents, exportId: string): Promise<void> {
  await removeExportFile(imagesDir, exportId)
  await rm(await fileIn(dir, 'export', exportId), { force: true })
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
  const told = `${file}.json`
  const before = await readFile(told, 'utf8').catch(() => null)
  const kept =
    before === null ? await freeze(contents, op, backup, file) : frozenSchema.parse(JSON.parse(before))
  if (before === null) await writeFile(told, JSON.stringify(kept), { mode: 0o600, flush: true })
  const handle = await open(file, 'r')
  try {
    const partsOf = await rawParts(op, handle, contents.converter)
    return {
      ...{ ...kept, since: null, hasChanged: async () => true },
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
  await rm(file, { force: true })
  await rbd(ceph, op, 'export', '--no-progress', at(ceph, found.image, found.name), file)
  return { sizeBytes: found.sizeBytes, quiesced: found.quiesced }
}

export async function dropFrozen({ dir }: Contents, id: string): Promise<void> {
  const file = await fileIn(dir, 'frozen', id)
  for (const one of [`${file}.json`, file]) await rm(one, { force: true })
}

async function fileIn(dir: string, what: 'export' | 'frozen' | 'refill', id: string): Promise<string> {
  const folder = path.join(dir, 'from-ceph')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return path.join(folder, `${what}-${id}`)
}

/** The methods of a driver for contents. `turn` lets the calls with one id come one after the other. */
export function contentMethods(
  contents: Contents,
  turn: <T>(id: string, work: () => Promise<T>) => Promise<T>,
): Pick<LocalVolumeDriver, 'openFrozen' | 'dropFrozen' | 'refillVolume'> {
  return {
    openFrozen: (op, backup) => turn(backup.id, () => frozen(contents, op, backup)),
    dropFrozen: (_op, { id }) => turn(id, () => dropFrozen(contents, id)),
    refillVolume: (op, key, fill) => refill(contents, op, key, fill),
  }
}
