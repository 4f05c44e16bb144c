import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction, projectOf } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { askOf, pageView } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import type { VolumeView } from '../contract.ts'
import { isReserved, said, volumeCan, volumeStates, volumeTransitioning } from '../contract.ts'
import { refuseCopied, whyBackedUp, whyNeeded } from '../needed.ts'
import { queryVolumes, sortableTrash, type VolumeRow } from '../queries.ts'
import {
  demand,
  historyOf,
  lockEither,
  lockTrashed,
  lockVolume,
  noteVolume,
  stateOf,
  viewOfOne,
  viewsOf,
} from '../row.ts'
import { deleteSnapshot, endSnapshotsOf } from '../snapshots/trash.ts'
import { bringBack } from './bring-back.ts'
import type {
  TrashedVolumeView,
  trashSummaryInput,
  VolumeDeleted,
  VolumeTrashSummary,
  volumeTrashInput,
} from './contract.ts'
import { isDue, putInTrash, type Trash, takeFromTrash, waitMinutes } from './trash.ts'

/**
 * Deletes a volume: nobody sees it any more, and its data go when the time is over in which it can be taken back. Throws
 * conflict when its state forbids that, an instance has it, or it has snapshots. `cascade`: the snapshots go with it, and
 * can be taken back after it; its own data go after theirs.
 */
export async function deleteVolume(
  ctx: Ctx,
  input: { id: string; cascade?: boolean },
): Promise<VolumeDeleted> {
  return inTransaction(ctx, async (tx) => {
    const row = await lockVolume(tx, 'volume:delete', input.id)
    demand(volumeCan.delete, row)
    demandFree(row)
    if (input.cascade) await deleteSnapshotsOf(tx, row)
    else await refuseNeeded(tx, row)
    const until = await discardVolume(tx, row)
    return { takeBackUntil: until?.toISOString() ?? null }
  })
}

/**
 * Deletes a volume that no instance has, under the lock of its row. Returns until when it can be taken back; null: its
 * data go at once, because that is the setting, or because an earlier deletion may have removed some of them.
 */
export async function discardVolume(tx: Ctx, row: VolumeRow): Promise<Date | null> {
  const atOnce = waitMinutes(tx) === 0 || stateOf(row) === 'error_deleting'
  if (atOnce && (await snapshotsOf(tx, row)) === 0) {
    await removeVolume(tx, row)
    return null
  }
  const until = await putInTrash(tx, volumeTrash, row.id)
  await recordOperation(tx, historyOf(row, 'volume.discard'))
  await noteVolume(tx, row, 'deleted')
  return until
}

/** Makes a deleted volume what it was before. Throws not_found when its time is over. */
export async function takeBackVolume(ctx: Ctx, input: { id: string }): Promise<VolumeView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockTrashed(tx, 'volume:delete', input.id)
    if (stateOf(before) === 'deleting') throw conflict('Its data are being removed already.', 'volumeState')
    if (await isDue(tx, before)) throw notFound('volume', input.id)
    await takeFromTrash(tx, volumeTrash, input.id)
    const after = { ...before, trashedUntil: null }
    await recordOperation(tx, historyOf(after, 'volume.take_back'))
    await noteVolume(tx, after, 'updated')
    return after
  })
  return viewOfOne(ctx, row)
}

/** Removes the data of a deleted volume without waiting. */
export async function endVolume(ctx: Ctx, input: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockTrashed(tx, 'volume:delete', input.id)
    if (volumeTransitioning(stateOf(row)))
      throw conflict(`This volume is ${said(row)}. Wait until that is over.`, 'volumeState')
    await removeSoon(tx, row)
  })
}

/** Removes a volume now or, when it has deleted snapshots, as soon as these are removed. */
async function removeSoon(tx: Ctx, row: VolumeRow): Promise<void> {
  if ((await snapshotsOf(tx, row)) === 0) return removeVolume(tx, row)
  await endSnapshotsOf(tx, row.id)
  await putInTrash(tx, volumeTrash, row.id, 0)
  await noteVolume(tx, row, 'deleted')
}

/**
 * Deletes a volume in any state, without waiting, unless an instance has it. `cascade`: its snapshots go with it. For
 * administrators.
 */
export async function forceDeleteVolume(ctx: Ctx, input: { id: string; cascade?: boolean }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockVolume(tx, 'volume:force_delete', input.id)
    demandFree(row)
    demand(volumeCan.lose, row)
    demandAlone(row)
    if (input.cascade) await deleteSnapshotsOf(tx, row)
    else await refuseNeeded(tx, row)
    await removeSoon(tx, row)
  })
}

/** Does the same for a volume of a project that is being deleted, in any state in which it can be deleted. */
export async function removeVolumeNow(ctx: Ctx, { id }: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockEither(tx, 'volume:delete', id)
    const isFree = stateOf(row) === 'awaiting-transfer' || isReserved({ ...row, state: stateOf(row) })
    // Whoever deletes a project has seen what goes with it.
    if (!isFree) demand(volumeCan.delete, { ...row, protected: false })
    demandFree(row)
    await refuseNeeded(tx, row)
    if (stateOf(row) !== 'deleting') await removeSoon(tx, row)
  })
}

/** How many snapshots need the data of a volume, those counted that are deleted and can be taken back. */
const snapshotsOf = (tx: Ctx, { id }: VolumeRow): Promise<number> =>
  tx.db.volumeSnapshot.count({ where: { volumeId: id } })

async function refuseNeeded(tx: Ctx, { id }: VolumeRow): Promise<void> {
  const why = await whyNeeded(tx, id)
  if (why !== null) throw conflict(why, 'volumeState')
}

async function deleteSnapshotsOf(tx: Ctx, row: VolumeRow): Promise<void> {
  const why = await whyBackedUp(tx, row.id)
  if (why !== null) throw conflict(why, 'volumeState')
  await refuseCopied(tx, row.id)
  const where = { volumeId: row.id, trashedUntil: null, state: { not: 'deleting' } }
  const snapshots = await tx.db.volumeSnapshot.findMany({
    where,
    select: { id: true },
    orderBy: { id: 'asc' },
  })
  for (const { id } of snapshots) await deleteSnapshot(tx, { id })
}

function demandFree(row: VolumeRow): void {
  if (row.attachments.length > 0)
    throw conflict('An instance has this volume. Detach it first.', 'volumeState')
}

/** A group would lose a part of itself without anybody's notice. */
function demandAlone(row: VolumeRow): void {
  if (row.groupId !== null)
    throw conflict('This volume is in a group. Take it out of the group, or delete the group.', 'volumeState')
}

/** Begins to remove the data of a volume, under the lock of its row. */
export async function removeVolume(tx: Ctx, row: VolumeRow): Promise<void> {
  await tx.db.volume.update({ where: { id: row.id }, data: { state: 'deleting' } })
  await startOperation(tx, { ...historyOf(row, 'volume.delete'), hostId: row.pool.hostId })
  await noteVolume(tx, row, 'updated')
}

/** Volumes in the trash. A volume that is still being made larger is removed when that is over. */
export const volumeTrash: Trash = {
  kind: 'volume',
  table: 'Volume',
  busy: volumeStates.filter(volumeTransitioning),
  end: (ctx, id) =>
    inTransaction(ctx, async (tx) => {
      const row = await lockTrashed(tx, 'volume:delete', id)
      if (!(await isDue(tx, row)) || volumeTransitioning(stateOf(row))) return
      if ((await snapshotsOf(tx, row)) === 0) return removeVolume(tx, row)
      // They are deleted, too; the volume is removed when they are.
      await endSnapshotsOf(tx, row.id)
      const where = { volumeId: id, state: { not: 'deleting' } }
      if ((await tx.db.volumeSnapshot.count({ where })) > 0)
        await bringBack(tx, id, 'A snapshot of the volume could not be removed.')
    }),
  waits: Prisma.sql`EXISTS (SELECT FROM "VolumeSnapshot" s WHERE s."volumeId" = "Volume"."id" AND s."state" = 'deleting')`,
}

/** The deleted volumes of the project that can still be taken back. */
export async function listTrash(
  ctx: Ctx,
  input: z.output<typeof volumeTrashInput>,
): Promise<Page<TrashedVolumeView>> {
  const { allProjects, search, id } = input
  const slice = await queryVolumes(ctx, {
    where: { allProjects, search, trashed: true, ...(id === undefined ? {} : { ids: [id] }) },
    ...askOf(input, sortableTrash),
  })
  const views = await viewsOf(ctx, slice.rows)
  const until = new Map(slice.rows.map((row) => [row.id, row.trashedUntil?.toISOString() ?? '']))
  return pageView(
    slice,
    views.map((view) => ({ ...view, until: until.get(view.id) ?? '' })),
  )
}

/** Says how long deleted things wait, and how much those of a project still take of its quota. */
export async function trashSummary(
  ctx: Ctx,
  input: z.output<typeof trashSummaryInput>,
): Promise<VolumeTrashSummary> {
  const projectId = input?.projectId ?? projectOf(ctx)
  authorize(ctx, 'volume:list', { projectId })
  const where = { projectId, trashedUntil: { not: null } }
  const [volumes, snapshots, backups] = await Promise.all([
    ctx.db.volume.aggregate({ where, _count: true, _sum: { reservedGib: true } }),
    ctx.db.volumeSnapshot.aggregate({ where, _count: true, _sum: { sizeGib: true } }),
    ctx.db.volumeBackup.aggregate({ where, _count: true, _sum: { sizeGib: true } }),
  ])
  return {
    minutes: waitMinutes(ctx),
    ...{ volumes: volumes._count, snapshots: snapshots._count, backups: backups._count },
    volumeGib: (volumes._sum.reservedGib ?? 0) + (snapshots._sum.sizeGib ?? 0),
    volumeBackupGib: backups._sum.sizeGib ?? 0,
  }
}
