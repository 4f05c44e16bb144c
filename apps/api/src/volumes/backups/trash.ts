import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { askOf, pageView } from '../../kernel/page.ts'
import { continueOperationsOf, recordOperation, startOperation } from '../../kernel/workflow.ts'
import { said } from '../states.ts'
import type { VolumeDeleted } from '../trash/contract.ts'
import { isDue, putInTrash, type Trash, takeFromTrash, waitMinutes } from '../trash/trash.ts'
import {
  type BackupView,
  backupCan,
  backupStates,
  backupTransitioning,
  type backupTrashInput,
  type TrashedBackupView,
} from './contract.ts'
import { type BackupRow, queryBackups, sortableBackupTrash } from './queries.ts'
import {
  backupHistory,
  backupStateOf,
  backupView,
  backupViews,
  demandBackup,
  lockBackup,
  lockEitherBackup,
  lockTrashedBackup,
  noteBackup,
} from './row.ts'
import { refuseUsed } from './service.ts'

/**
 * Deletes a backup: nobody sees it any more, and its data go when the time is over in which it can be taken back. Other
 * backups of the volume keep their content.
 */
export async function deleteBackup(ctx: Ctx, input: { id: string }): Promise<VolumeDeleted> {
  return inTransaction(ctx, async (tx) => {
    const row = await lockBackup(tx, 'volumeBackup:delete', input.id)
    demandBackup(backupCan.delete, row)
    await refuseUsed(tx, row)
    // There is nothing to take back of a backup that has failed.
    if (waitMinutes(tx) === 0 || backupStateOf(row) !== 'available') {
      await removeBackup(tx, row)
      return { takeBackUntil: null }
    }
    const until = await putInTrash(tx, backupTrash, row.id)
    await recordOperation(tx, backupHistory(row, 'volumeBackup.discard'))
    await noteBackup(tx, row, 'deleted')
    return { takeBackUntil: until.toISOString() }
  })
}

/** Stops a backup that is being made, and removes what is stored of it. */
export async function cancelBackup(ctx: Ctx, input: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockBackup(tx, 'volumeBackup:delete', input.id)
    demandBackup(backupCan.cancel, row)
    await removeBackup(tx, row)
  })
}

/** Deletes a backup in any state, without waiting; ends it while it is being made. For administrators. */
export async function forceDeleteBackup(ctx: Ctx, input: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockBackup(tx, 'volumeBackup:force_delete', input.id)
    await refuseUsed(tx, row)
    await removeBackup(tx, row)
  })
}

/** Does the same, under the rights of a deletion: for a project that is being deleted, and for schedules. */
export async function removeBackupNow(ctx: Ctx, { id }: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockEitherBackup(tx, 'volumeBackup:delete', id)
    if (backupStateOf(row) === 'deleting') return
    await refuseUsed(tx, row)
    await removeBackup(tx, row)
  })
}

/** Makes a deleted backup what it was before. Throws not_found when its time is over. */
export async function takeBackBackup(ctx: Ctx, input: { id: string }): Promise<BackupView> {
  return inTransaction(ctx, async (tx) => {
    const row = await lockTrashedBackup(tx, 'volumeBackup:delete', input.id)
    if (backupStateOf(row) === 'deleting')
      throw conflict('Its data are being removed already.', 'backupState')
    if (await isDue(tx, row)) throw notFound('backup', input.id)
    await takeFromTrash(tx, backupTrash, row.id)
    const after = { ...row, trashedUntil: null }
    await recordOperation(tx, backupHistory(after, 'volumeBackup.take_back'))
    await noteBackup(tx, after, 'updated')
    return backupView(tx, after)
  })
}

/** Removes the data of a deleted backup without waiting. */
export async function endBackup(ctx: Ctx, input: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockTrashedBackup(tx, 'volumeBackup:delete', input.id)
    if (backupTransitioning(backupStateOf(row)))
      throw conflict(`This backup is ${said(row)}. Wait until that is over.`, 'backupState')
    await removeBackup(tx, row)
  })
}

/** Begins to remove the data of a backup, under the lock of its row. An operation that still makes it learns that at once. */
async function removeBackup(tx: Ctx, row: BackupRow): Promise<void> {
  await tx.db.volumeBackup.update({ where: { id: row.id }, data: { state: 'deleting' } })
  await continueOperationsOf(tx, 'volumeBackup', row.id)
  await startOperation(tx, { ...backupHistory(row, 'volumeBackup.delete'), hostId: row.hostId })
  await noteBackup(tx, row, 'updated')
}

/** Backups in the trash. */
export const backupTrash: Trash = {
  kind: 'volumeBackup',
  table: 'VolumeBackup',
  busy: backupStates.filter(backupTransitioning),
  end: (ctx, id) =>
    inTransaction(ctx, async (tx) => {
      const row = await lockTrashedBackup(tx, 'volumeBackup:delete', id)
      if ((await isDue(tx, row)) && !backupTransitioning(backupStateOf(row))) await removeBackup(tx, row)
    }),
}

/** The deleted backups of the project that can still be taken back. */
export async function listBackupTrash(
  ctx: Ctx,
  input: z.output<typeof backupTrashInput>,
): Promise<Page<TrashedBackupView>> {
  const { allProjects, search, id } = input
  const slice = await queryBackups(ctx, {
    where: { allProjects, search, trashed: true, ...(id === undefined ? {} : { ids: [id] }) },
    ...askOf(input, sortableBackupTrash),
  })
  const views = await backupViews(ctx, slice.rows)
  const until = new Map(slice.rows.map((row) => [row.id, row.trashedUntil?.toISOString() ?? '']))
  return pageView(
    slice,
    views.map((view) => ({ ...view, until: until.get(view.id) ?? '' })),
  )
}
