import { chmod, mkdir, open, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { copyContent } from './across.ts'
import { exportIn, writeExport } from './exports.ts'
import type {
  ExportSpec,
  FrozenKey,
  FrozenVolume,
  ObservedExport,
  PoolSpec,
  Refill,
  VolumeContent,
  VolumeKey,
} from './interface.ts'
import { openSession } from './iscsi-session.ts'
import { contentReader, type LunVolumes, marked, refuseUsed, volumeOn } from './lun-volumes.ts'
import { type Lun, type Luns, lunsOf, type OpenTarget, withLuns } from './luns.ts'
import { rawParts } from './raw.ts'
import { fillFile } from './refill.ts'
import { withRoom } from './space.ts'

/** Whole contents of volumes on LUNs: they get those of images, backups and other volumes, and become images and backups. */

export type LunContents = {
  /** The folder hosts/<host>. */
  dir: string
  host: string
  imagesDir: string
  converter?: number
  of(pool: PoolSpec): Promise<OpenTarget>
  volumes: LunVolumes
  /** Over when what exports of an earlier agent have left is removed. */
  swept: Promise<void>
}

export const gone = (id: string) => new DriverError('not_found', `The volume ${id} is gone from its pool.`)

/** Runs `work` on the LUN of a volume. Raises `not_found` when the volume is gone. */
export async function withVolume<T>(
  { of }: Pick<LunContents, 'of'>,
  op: Op,
  { id, pool }: VolumeKey,
  work: (luns: Luns, lun: Lun) => Promise<T>,
): Promise<T> {
  return withLuns(op, await of(pool), async (luns) => {
    const lun = volumeOn(await luns.all(), id)
    if (!lun) throw gone(id)
    return work(luns, lun)
  })
}

const contentOf = (luns: Luns, lun: Lun): VolumeContent => ({
  ...{ sizeBytes: marked(lun).sizeBytes ?? 0, luks: null },
  read: contentReader(luns, lun),
})

/** See LocalVolumeDriver. */
export const readUnused = (
  contents: LunContents,
  op: Op,
  key: VolumeKey,
  work: (content: VolumeContent) => Promise<void>,
): Promise<void> =>
  withVolume(contents, op, key, (luns, lun) =>
    contents.volumes.during(luns, lun, (ours) => work(contentOf(luns, ours))),
  )

/**
 * Gives a volume other contents: they come on another LUN, which takes the place of the volume's own in one moment. Both are
 * whole then, and the higher edition holds, so that a crash leaves the old content or the new one.
 */
export const replace = (
  { volumes, of }: LunContents,
  op: Op,
  key: VolumeKey,
  fill: (volume: Refill) => Promise<void>,
): Promise<number> =>
  withVolume({ of }, op, key, (luns, lun) =>
    volumes.during(luns, lun, async (ours) => {
      const { sizeBytes = 0, edition = 1 } = marked(ours)
      const pool = await of(key.pool)
      await volumes.make(op, pool, { id: key.id, sizeBytes, edition: edition + 1 }, fill)
      await volumes.retire(luns, pool, ours)
      return sizeBytes
    }),
  )

/** Writes what a raw file of this host contains. */
export async function fromFile(
  op: Op,
  file: string,
  converter: number | undefined,
  into: Refill,
): Promise<void> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const partsOf = await rawParts(op, handle, converter)
    const read = async (at: number, length: number) => {
      if ((await partsOf(at, length)).length === 0) return null
      const bytes = Buffer.alloc(length)
      const { bytesRead } = await handle.read(bytes, 0, length, at)
      if (bytesRead < Math.min(length, size - at)) throw new DriverError('failed', `${file} is too short.`)
      return bytes.equals(Buffer.alloc(length)) ? null : bytes
    }
    await copyContent(op, { sizeBytes: size, luks: null, read }, into)
  } finally {
    await handle.close()
  }
}

const folderIn = (dir: string) => path.join(dir, 'from-luns')

/** Removes whole contents of volumes that exports have left whose agent was killed: nobody goes on with them. */
export const sweepExports = (dir: string, log: Logger): Promise<void> =>
  rm(folderIn(dir), { recursive: true, force: true }).catch((err: unknown) =>
    log.error({ err, dir }, 'contents of volumes that an earlier agent has left cannot be removed'),
  )

/** The content is brought into a file of this host first, which image tools read in their jail. */
export async function exportOf(contents: LunContents, op: Op, spec: ExportSpec): Promise<ObservedExport> {
  const { dir, imagesDir, converter } = contents
  await contents.swept
  const done = await exportIn(imagesDir, spec.exportId)
  if (done) return done
  const folder = folderIn(dir)
  const file = path.join(folder, `export-${spec.exportId}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  let sizeBytes = 0
  try {
    await rm(file, { force: true })
    await readUnused(contents, op, { id: spec.id, pool: spec.pool }, async (content) => {
      sizeBytes = content.sizeBytes
      await fillFile(file, sizeBytes, (into) => copyContent(op, content, withRoom(folder, into)))
    })
    // The tools in the jail have a user of their own, and nobody else enters the folder.
    await chmod(file, 0o444)
    const layers = [{ path: file, format: 'raw' as const }]
    return await writeExport(op, imagesDir, spec, { layers, sizeBytes }, converter)
  } finally {
    await rm(file, { force: true })
  }
}

/** A backup reads the LUN itself, which stays as it is meanwhile: no guest gets the volume until the backup is over. */
export async function openFrozen(
  { of, host }: LunContents,
  op: Op,
  { id, volumeId, snapshotId, pool }: FrozenKey & { snapshotId: string | null },
): Promise<FrozenVolume> {
  if (snapshotId !== null) throw new DriverError('unsupported', 'A LUN has no snapshots.')
  const target = await of(pool)
  const session = await openSession(op, target)
  try {
    const luns = lunsOf(session, target)
    const lun = volumeOn(await luns.all(), volumeId)
    if (!lun) throw gone(volumeId)
    const { by } = marked(lun)
    if (by?.backup !== id) refuseUsed(lun, host)
    const ours =
      by?.backup === id ? lun : await luns.change(lun, { ...marked(lun), by: { host, backup: id } })
    return {
      ...{ ...contentOf(luns, ours), quiesced: true, since: null, hasChanged: async () => true },
      close: () => session.close(),
    }
  } catch (error) {
    await session.close()
    throw error
  }
}

export async function dropFrozen(
  { of }: LunContents,
  op: Op,
  { id, volumeId, pool }: FrozenKey,
): Promise<void> {
  await withLuns(op, await of(pool), async (luns) => {
    const lun = volumeOn(await luns.all(), volumeId)
    if (lun?.mark?.by?.backup === id) await luns.change(lun, { ...lun.mark, by: undefined })
  })
}
