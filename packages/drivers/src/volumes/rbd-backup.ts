import { rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { syncDirectory } from '../sync.ts'
import type { Ceph } from './ceph.ts'
import { readTold, removeKept, type Told, toldIn } from './from-ceph.ts'
import type { FrozenKey, FrozenVolume } from './interface.ts'
import { syncFile } from './layer-files.ts'
import type { Contents } from './rbd-contents.ts'
import { openDiff } from './rbd-diff.ts'
import { demandRoom, download, openBrought } from './rbd-download.ts'
import { at, dropSnapshot, imageOf, names, orNull, rbd, snapshotsOf } from './rbd-images.ts'
import { create, findSnapshot } from './rbd-snapshots.ts'

/**
 * What backups read of volumes in Ceph. A backup takes a snapshot of the image (`backing-<id>`), and when the backup is in its
 * store, the snapshot stays (`backup-<id>`) until the next backup of the volume: Ceph tells what has changed since, and only
 * that is brought here. Ceph tells it from a table where the feature fast-diff of the image is on, and otherwise by a look
 * at each object.
 */
const taken = (id: string): string => `backing-${id}`
const border = (id: string): string => `backup-${id}`
/** A range in whole pieces of this size can be read when it has changed. */
const pieceBytes = 4 * 1024 ** 2

type Wanted = FrozenKey & { snapshotId: string | null; parentId?: string | null }

/** Volumes of which this host makes backups just now, so that nothing takes the snapshots away that are read. */
export class Readers {
  readonly #counts = new Map<string, number>()

  begin(volumeId: string): () => void {
    this.#counts.set(volumeId, (this.#counts.get(volumeId) ?? 0) + 1)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const left = (this.#counts.get(volumeId) ?? 1) - 1
      if (left > 0) this.#counts.set(volumeId, left)
      else this.#counts.delete(volumeId)
    }
  }

  refuse(volumeId: string): void {
    if (this.#counts.has(volumeId))
      throw new DriverError('unavailable', `A backup of the volume ${volumeId} is being made.`)
  }
}

/** See LocalVolumeDriver.openFrozen. */
export async function openFrozen(contents: Contents, op: Op, backup: Wanted): Promise<FrozenVolume> {
  const end = contents.readers.begin(backup.volumeId)
  try {
    const file = await contents.files.file('frozen', backup.id)
    const before = await readTold(file)
    // What was brought for another parent is not enough.
    const isEnough = before && (before.since === null || before.since.id === backup.parentId)
    const told = isEnough ? before : await keep(contents, op, backup, file)
    const opened = await openKept(op, file, told, contents.converter)
    const close = async () => {
      end()
      await opened.close()
    }
    const { sizeBytes, quiesced, unknownBecause } = told
    return {
      ...opened,
      sizeBytes,
      quiesced,
      unknownBecause,
      luks: null,
      since: told.since?.id ?? null,
      close,
    }
  } catch (error) {
    end()
    throw error
  }
}

async function openKept(
  op: Op,
  file: string,
  { since }: Told,
  converter: number | undefined,
): Promise<Pick<FrozenVolume, 'hasChanged' | 'read' | 'close'>> {
  if (!since) return { hasChanged: async () => true, ...(await openBrought(op, file, converter)) }
  const { hasChanged, ...diff } = await openDiff(file, since.sizeBytes)
  return { ...diff, hasChanged: async (place, length) => hasChanged(place, length) }
}

/** Brings the content here and says that it is whole; or nothing is left on the disk. */
async function keep(contents: Contents, op: Op, backup: Wanted, file: string): Promise<Told> {
  const draft = `${toldIn(file)}.part`
  try {
    await removeKept(file)
    const told = await bring(contents, op, backup, file)
    await syncFile(file)
    await writeFile(draft, JSON.stringify(told), { mode: 0o600, flush: true })
    await rename(draft, toldIn(file))
    await syncDirectory(path.dirname(file))
    return told
  } catch (error) {
    await removeKept(file)
    throw error
  }
}

async function bring(
  { of, held }: Contents,
  op: Op,
  { id, volumeId, snapshotId, pool, parentId }: Wanted,
  file: string,
): Promise<Told> {
  const ceph = await of(pool)
  if (snapshotId !== null) {
    const found = await findSnapshot(ceph, op, snapshotId)
    if (!found) throw new DriverError('not_found', `The snapshot ${snapshotId} is gone from its pool.`)
    await download(ceph, op, found, file)
    return { volumeId, sizeBytes: found.sizeBytes, quiesced: found.quiesced, since: null }
  }
  const [image, name] = [names.volume(volumeId), taken(id)]
  const kept = await held(op, { id: volumeId, pool }, async ({ image: { size: sizeBytes }, guest }) => {
    // That of a call that was cut off is of an earlier moment, of which nobody knows whether the guest held still.
    await dropSnapshot(ceph, op, volumeId, name)
    const take = () => create(ceph, op, image, name)
    if (typeof guest !== 'string') return { sizeBytes, quiesced: await guest.quiesced(take) }
    await take()
    return { sizeBytes, quiesced: guest === 'none' }
  })
  const since = await sinceOf(ceph, op, image, parentId ?? null)
  if (since && typeof since !== 'string' && (await bringChanges(ceph, op, { image, name, since, file })))
    return { volumeId, ...kept, since }
  await download(ceph, op, { image, name, sizeBytes: kept.sizeBytes }, file)
  const unknownBecause = typeof since === 'string' ? since : since ? noBorder : undefined
  return { volumeId, ...kept, since: null, unknownBecause }
}

const noBorder = 'Ceph does not have the snapshot of the earlier backup any more'

/** The earlier backup, when Ceph can tell what has changed since; otherwise the reason, or null when none is named. */
async function sinceOf(
  ceph: Ceph,
  op: Op,
  image: string,
  parentId: string | null,
): Promise<NonNullable<Told['since']> | string | null> {
  if (parentId === null) return null
  const before = (await snapshotsOf(ceph, op, image))?.find(({ name }) => name === border(parentId))
  if (!before) return noBorder
  const { object_size: objectSize, stripe_unit: stripeUnit } = (await imageOf(ceph, op, image)) ?? {}
  if (
    !objectSize ||
    objectSize % pieceBytes !== 0 ||
    before.size % pieceBytes !== 0 ||
    (stripeUnit ?? objectSize) !== objectSize
  )
    return 'the volume or its objects in Ceph have a size with which Ceph does not tell this'
  return { id: parentId, sizeBytes: before.size }
}

type Changes = { image: string; name: string; since: { id: string }; file: string }

/** Returns false when the snapshot of the earlier backup has gone meanwhile. */
async function bringChanges(ceph: Ceph, op: Op, { image, name, since, file }: Changes): Promise<boolean> {
  const from = ['--whole-object', '--from-snap', border(since.id)]
  const room = await orNull(demandRoom(ceph, op, { image, name, from }, path.dirname(file)))
  if (room === null) return false
  const words = ['export-diff', '--no-progress', ...from, at(ceph, image, name), file]
  if ((await orNull(rbd(ceph, op, ...words))) !== null) return true
  await rm(file, { force: true })
  return false
}

/** See LocalVolumeDriver.dropFrozen. Nobody else works with the volume meanwhile. */
export async function dropFrozen(
  { of, files }: Contents,
  op: Op,
  { id, volumeId, pool }: FrozenKey,
  isBackedUp: boolean,
): Promise<void> {
  const ceph = await of(pool)
  await removeKept(await files.file('frozen', id))
  const image = names.volume(volumeId)
  if (isBackedUp) {
    // A backup of a snapshot has taken none.
    await orNull(rbd(ceph, op, 'snap', 'rename', at(ceph, image, taken(id)), at(ceph, image, border(id))))
    await dropBorders(ceph, op, volumeId, id)
  } else await dropSnapshot(ceph, op, volumeId, border(id))
  await dropSnapshot(ceph, op, volumeId, taken(id))
}

/** Removes the snapshots of earlier backups than that, if its own is there; without `but`, those of all backups. */
export async function dropBorders(ceph: Ceph, op: Op, volumeId: string, but?: string): Promise<void> {
  const image = names.volume(volumeId)
  const all = ((await snapshotsOf(ceph, op, image)) ?? []).map(({ name }) => name)
  if (but !== undefined && !all.includes(border(but))) return
  for (const name of all)
    if (name.startsWith(border('')) && name !== border(but ?? ''))
      await orNull(rbd(ceph, op, 'snap', 'rm', '--no-progress', at(ceph, image, name)))
}
