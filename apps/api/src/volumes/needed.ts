import type { VolumeModel } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { conflict } from '../kernel/errors.ts'
import type { SnapshotState } from './snapshots/states.ts'
import { said } from './states.ts'

/** Returns the sentence why a volume cannot be deleted: it has snapshots, or another volume is being made of it. */
export async function whyNeeded(ctx: Ctx, id: string): Promise<string | null> {
  const count = await ctx.db.volumeSnapshot.count({ where: { volumeId: id, trashedUntil: null } })
  if (count > 0)
    return `The volume has ${count === 1 ? 'a snapshot' : `${count} snapshots`}. Delete the ${count === 1 ? 'snapshot' : 'snapshots'} first.`
  return (await whyBackedUp(ctx, id)) ?? whyCopied(ctx, id)
}

type Leaving = Pick<VolumeModel, 'id' | 'groupId' | 'movingToId' | 'protected'> & { others: number }
/**
 * Returns why volumes that are marked to be deleted with an instance would stay, for those that would, as the rest of a
 * sentence. `others`: how many other instances have the volume.
 */
export async function whysKept(ctx: Ctx, volumes: readonly Leaving[]): Promise<ReadonlyMap<string, string>> {
  const { db } = ctx
  const ids = volumes.map(({ id }) => id)
  const snapshots = await db.volumeSnapshot.groupBy({
    ...{ by: ['volumeId'], where: { volumeId: { in: ids }, trashedUntil: null }, _count: true },
  })
  const backups = await db.volumeBackup.findMany({
    where: { volumeId: { in: ids }, snapshotId: null, holdsSource: true },
    select: { volumeId: true },
  })
  const copies = await db.volume.findMany({
    where: { sourceVolumeId: { in: ids }, state: 'creating' },
    select: { sourceVolumeId: true },
  })
  const counts = new Map(snapshots.map((one) => [one.volumeId, one._count]))
  const backedUp = new Set(backups.map((one) => one.volumeId))
  const copied = new Set(copies.map((one) => one.sourceVolumeId))
  return new Map(
    volumes.flatMap(({ id, others, ...volume }): [string, string][] => {
      const count = counts.get(id) ?? 0
      if (others > 0) return [[id, 'another instance has it']]
      if (volume.protected) return [[id, 'it is protected from deletion']]
      if (volume.movingToId !== null) return [[id, 'it is being moved to another pool']]
      if (volume.groupId !== null) return [[id, 'it is in a group']]
      if (count > 0) return [[id, `it has ${count === 1 ? 'a snapshot' : `${count} snapshots`}`]]
      if (backedUp.has(id)) return [[id, 'it is being backed up']]
      return copied.has(id) ? [[id, 'a copy of it is being made']] : []
    }),
  )
}

/** Returns the sentence why nothing else can be done to a volume: it is being backed up. */
export async function whyBackedUp(ctx: Ctx, id: string): Promise<string | null> {
  const count = await ctx.db.volumeBackup.count({
    where: { volumeId: id, snapshotId: null, holdsSource: true },
  })
  return count > 0 ? 'The volume is being backed up. Wait until that is over, or stop the backup.' : null
}

/** Throws conflict while another volume is being made of this one. */
export async function refuseCopied(ctx: Ctx, id: string): Promise<void> {
  const why = await whyCopied(ctx, id)
  if (why !== null) throw conflict(why, 'volumeState')
}

/**
 * Throws conflict for a volume in Ceph that has snapshots, because they are snapshots of the image that other contents would
 * replace. Call this under the lock of the volume's row before the volume gets the content of an image or a backup.
 */
export async function refuseUnderSnapshots(
  ctx: Ctx,
  { id, pool }: { id: string; pool: { driver: string } },
): Promise<void> {
  if (pool.driver !== 'rbd' || (await ctx.db.volumeSnapshot.count({ where: { volumeId: id } })) === 0) return
  throw conflict(
    'The volume has snapshots, and lies in Ceph, where it cannot get other contents with them. Delete its snapshots first, also those that can be taken back.',
    'volumeState',
  )
}

/** Returns the sentence why a volume must stay as it is: another volume is being made of it. */
export async function whyCopied(ctx: Ctx, id: string): Promise<string | null> {
  const count = await ctx.db.volume.count({ where: { sourceVolumeId: id, state: 'creating' } })
  return count > 0 ? 'A copy of this volume is being made. Wait until that is over.' : null
}

/**
 * Throws conflict while a snapshot of the volume is in one of these states, or a copy of the volume is being made: the
 * host may not have begun, and would keep what the volume contains or how large it is after the caller's change. Call
 * this under the lock of the volume's row, which whoever asks for a snapshot or a copy takes, too.
 */
export async function refuseWhileKept(
  ctx: Ctx,
  id: string,
  states: readonly SnapshotState[] = ['creating'],
): Promise<void> {
  const where = { volumeId: id, state: { in: [...states] } }
  const snapshot = await ctx.db.volumeSnapshot.findFirst({ where, select: { state: true } })
  if (snapshot)
    throw conflict(`A snapshot of this volume is ${said(snapshot)}. Wait until that is over.`, 'volumeState')
  await refuseCopied(ctx, id)
}

/**
 * Whether a volume shares bytes on the host with another one, as copies, volumes of snapshots and their origins do. A guest
 * that has taken over its QEMU may have kept the right to write to them, so no other project may get such a volume.
 */
export async function sharesData(
  tx: Ctx,
  { id, snapshotId, sourceVolumeId, lineageId }: VolumeModel,
): Promise<boolean> {
  if (snapshotId !== null || sourceVolumeId !== null || lineageId !== null) return true
  // The lineage outlives the snapshots and copies in between, and an image that was written onto the volume: snapshots
  // that were taken before still have the layers of the origin. Volumes of earlier versions have no lineage.
  const snapshots = await tx.db.volumeSnapshot.findMany({ where: { volumeId: id }, select: { id: true } })
  const made = [
    { lineageId: id },
    { sourceVolumeId: id },
    { snapshotId: { in: snapshots.map((one) => one.id) } },
  ]
  return (await tx.db.volume.count({ where: { OR: made } })) > 0
}
