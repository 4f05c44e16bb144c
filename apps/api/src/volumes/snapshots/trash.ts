import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { askOf, pageView } from '../../kernel/page.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { said } from '../states.ts'
import type { VolumeDeleted } from '../trash/contract.ts'
import { isDue, putInTrash, type Trash, takeFromTrash, waitMinutes } from '../trash/trash.ts'
import {
  partOfGroupSnapshot,
  type SnapshotView,
  snapshotCan,
  snapshotStates,
  snapshotTransitioning,
  type snapshotTrashInput,
  type TrashedSnapshotView,
  volumeIsDeleted,
} from './contract.ts'
import { querySnapshots, type SnapshotRow, sortableSnapshotTrash, withVolume } from './queries.ts'
import {
  lockEitherSnapshot,
  lockSnapshot,
  lockTrashedSnapshot,
  lockVolumeOf,
  noteSnapshot,
  snapshotHistory,
  snapshotStateOf,
  snapshotView,
} from './row.ts'
import { demandUnused } from './used.ts'

/**
 * Deletes a snapshot: nobody sees it any more, and its data go when the time is over in which it can be taken back.
 * Volumes that were made of it keep their data. `force`: in any state and without waiting, for administrators.
 */
export async function deleteSnapshot(
  ctx: Ctx,
  input: { id: string; force?: boolean },
): Promise<VolumeDeleted> {
  const policy = input.force ? 'volumeSnapshot:force_delete' : 'volumeSnapshot:delete'
  return inTransaction(ctx, async (tx) => {
    const row = await lockSnapshot(tx, policy, input.id)
    if (!input.force) demandDeletable(row)
    await demandUnused(tx, row)
    if (row.groupSnapshotId !== null) throw conflict(partOfGroupSnapshot, 'snapshotState')
    // There is nothing to take back of a snapshot that has failed.
    if (input.force || waitMinutes(tx) === 0 || snapshotStateOf(row) !== 'available') {
      await removeSnapshot(tx, row)
      return { takeBackUntil: null }
    }
    const until = await putInTrash(tx, snapshotTrash, row.id)
    await recordOperation(tx, snapshotHistory(row, 'volumeSnapshot.discard'))
    await noteSnapshot(tx, row, 'deleted')
    return { takeBackUntil: until.toISOString() }
  })
}

/**
 * Removes a snapshot, deleted or not, without waiting: with a project that is being deleted, or with the group snapshot of
 * which it is a part.
 */
export async function removeSnapshotNow(ctx: Ctx, { id }: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockEitherSnapshot(tx, 'volumeSnapshot:delete', id)
    demandDeletable(row)
    await demandUnused(tx, row)
    await removeSnapshot(tx, row)
  })
}

function demandDeletable(row: SnapshotRow): void {
  const allowed = snapshotCan.delete({ state: snapshotStateOf(row) })
  if (allowed !== true) throw conflict(allowed, 'snapshotState')
}

/** Makes a deleted snapshot what it was before. Throws not_found when its time is over, conflict when its volume is deleted. */
export async function takeBackSnapshot(ctx: Ctx, input: { id: string }): Promise<SnapshotView> {
  return inTransaction(ctx, async (tx) => {
    // Somebody may delete the volume at this moment.
    await lockVolumeOf(tx, input.id)
    const seen = await lockTrashedSnapshot(tx, 'volumeSnapshot:delete', input.id)
    if (snapshotStateOf(seen) === 'deleting')
      throw conflict('Its data are being removed already.', 'snapshotState')
    if (await isDue(tx, seen)) throw notFound('snapshot', input.id)
    if (seen.volume.trashedUntil !== null) throw conflict(volumeIsDeleted, 'snapshotState')
    await takeFromTrash(tx, snapshotTrash, seen.id)
    await recordOperation(tx, snapshotHistory(seen, 'volumeSnapshot.take_back'))
    await noteSnapshot(tx, seen, 'updated')
    return snapshotView(seen)
  })
}

/** Removes the data of a deleted snapshot without waiting. */
export async function endSnapshot(ctx: Ctx, input: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockTrashedSnapshot(tx, 'volumeSnapshot:delete', input.id)
    if (snapshotTransitioning(snapshotStateOf(row)))
      throw conflict(`This snapshot is ${said(row)}. Wait until that is over.`, 'snapshotState')
    await removeSnapshot(tx, row)
  })
}

/** Does the same with all deleted snapshots of a volume, under the lock of its row. */
export async function endSnapshotsOf(tx: Ctx, volumeId: string): Promise<void> {
  const rows = await tx.db.$queryRaw<{ id: string }[]>`
    SELECT "id"::text FROM "VolumeSnapshot" WHERE "volumeId" = ${volumeId}::uuid AND "trashedUntil" IS NOT NULL
      AND "state" <> 'deleting' ORDER BY "id" FOR UPDATE`
  for (const row of rows) await removeSnapshot(tx, row)
}

/** Begins to remove the data of a snapshot, under the lock of its row. */
async function removeSnapshot(tx: Ctx, { id }: { id: string }): Promise<void> {
  const after = await tx.db.volumeSnapshot.update({
    where: { id },
    data: { state: 'deleting' },
    include: withVolume,
  })
  await startOperation(tx, {
    ...snapshotHistory(after, 'volumeSnapshot.delete'),
    hostId: after.pool.hostId,
  })
  await noteSnapshot(tx, after, 'updated')
}

/** Snapshots in the trash. */
export const snapshotTrash: Trash = {
  kind: 'volumeSnapshot',
  table: 'VolumeSnapshot',
  busy: snapshotStates.filter(snapshotTransitioning),
  end: (ctx, id) =>
    inTransaction(ctx, async (tx) => {
      const row = await lockTrashedSnapshot(tx, 'volumeSnapshot:delete', id)
      if ((await isDue(tx, row)) && !snapshotTransitioning(snapshotStateOf(row)))
        await removeSnapshot(tx, row)
    }),
}

/** The deleted snapshots of the project that can still be taken back. */
export async function listSnapshotTrash(
  ctx: Ctx,
  input: z.output<typeof snapshotTrashInput>,
): Promise<Page<TrashedSnapshotView>> {
  const { allProjects, search, id, volumeId } = input
  const slice = await querySnapshots(ctx, {
    where: { allProjects, search, volumeId, trashed: true, ...(id === undefined ? {} : { ids: [id] }) },
    ...askOf(input, sortableSnapshotTrash),
  })
  return pageView(
    slice,
    slice.rows.map((row) => ({
      ...snapshotView(row),
      until: row.trashedUntil?.toISOString() ?? '',
      isVolumeDeleted: row.volume.trashedUntil !== null,
    })),
  )
}
