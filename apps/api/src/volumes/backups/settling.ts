import type { Ctx } from '../../kernel/context.ts'
import { historyOf, noteVolume } from '../row.ts'
import { noteSnapshot } from '../snapshots/row.ts'
import type { BackupRow } from './queries.ts'
import { noteBackup } from './row.ts'
import { gettingContentOf } from './service.ts'

/** How the things around a backup leave the states in which they were for it. Volumes and snapshots are locked before backups. */

/** Locks a backup with what is read for it. Null: it is gone. */
export async function lockWithSource(tx: Ctx, id: string): Promise<BackupRow | null> {
  const seen = await tx.db.volumeBackup.findUnique({ where: { id } })
  if (!seen) return null
  await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${seen.volumeId}::uuid FOR UPDATE`
  if (seen.snapshotId !== null)
    await tx.db.$queryRaw`SELECT 1 FROM "VolumeSnapshot" WHERE "id" = ${seen.snapshotId}::uuid FOR UPDATE`
  await tx.db.$queryRaw`SELECT 1 FROM "VolumeBackup" WHERE "id" = ${id}::uuid FOR UPDATE`
  return tx.db.volumeBackup.findUnique({ where: { id } })
}

/**
 * Ends the state backing-up of what was read for a backup, which is locked. Does nothing when the backup does not hold it
 * any more: by then another backup may be the reason of the state. The caller writes that in the backup's row.
 */
export async function freeSource(tx: Ctx, row: BackupRow, operationId: string): Promise<void> {
  if (!row.holdsSource) return
  if (row.snapshotId !== null) {
    const where = { id: row.snapshotId, state: 'backing-up' }
    const { count } = await tx.db.volumeSnapshot.updateMany({ where, data: { state: 'available' } })
    if (count === 0) return
    const snapshot = await tx.db.volumeSnapshot.findUniqueOrThrow({ where: { id: row.snapshotId } })
    return noteSnapshot(tx, snapshot, 'updated', operationId)
  }
  const volume = await tx.db.volume.findFirst({
    where: { id: row.volumeId, state: 'backing-up' },
    include: { attachments: true },
  })
  if (!volume) return
  const state = volume.attachments.length > 0 ? 'in-use' : 'available'
  await tx.db.volume.update({ where: { id: volume.id }, data: { state } })
  await noteVolume(tx, volume, 'updated', operationId)
}

/** The operation that makes a new volume, for the history: the copy of a backup may take a day. */
export const creationOf = (volume: {
  id: string
  name: string
  projectId: string
  backupId?: string | null
}) =>
  volume.backupId
    ? { ...historyOf(volume, 'volume.restore'), input: { backupId: volume.backupId, isNew: true } }
    : historyOf(volume, 'volume.create')

/** Writes that a volume gets the content of a backup, in the transaction that has written this in the volume's row. */
export async function beginRestoring(tx: Ctx, backupId: string): Promise<void> {
  const where = { id: backupId, state: 'available' }
  const { count } = await tx.db.volumeBackup.updateMany({ where, data: { state: 'restoring' } })
  if (count > 0)
    await noteBackup(tx, await tx.db.volumeBackup.findUniqueOrThrow({ where: { id: backupId } }), 'updated')
}

/** Makes a backup available again when no volume gets its content any more. The volume's row is written before. */
export async function endRestoring(tx: Ctx, backupId: string | null): Promise<void> {
  if (backupId === null) return
  await tx.db.$queryRaw`SELECT 1 FROM "VolumeBackup" WHERE "id" = ${backupId}::uuid FOR UPDATE`
  const row = await tx.db.volumeBackup.findFirst({ where: { id: backupId, state: 'restoring' } })
  if (!row || (await tx.db.volume.count({ where: gettingContentOf(backupId) })) > 0) return
  await tx.db.volumeBackup.update({ where: { id: backupId }, data: { state: 'available' } })
  await noteBackup(tx, row, 'updated')
}
