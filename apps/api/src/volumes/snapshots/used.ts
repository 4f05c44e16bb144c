import type { Ctx } from '../../kernel/context.ts'
import { conflict } from '../../kernel/errors.ts'
import { stateOf } from '../row.ts'
import type { SnapshotRow } from './queries.ts'
import { snapshotStateOf } from './row.ts'

/** Throws conflict while an operation of another thing needs this snapshot: a backup, the return of its volume, or a new volume. */
export async function demandUnused(tx: Ctx, row: SnapshotRow): Promise<void> {
  const where = { volumeId: row.volumeId, snapshotId: row.id, holdsSource: true }
  if ((await tx.db.volumeBackup.count({ where })) > 0)
    throw conflict(
      'This snapshot is being backed up. Wait until that is over, or stop the backup.',
      'snapshotState',
    )
  if (snapshotStateOf(row) === 'restoring' && stateOf(row.volume) === 'reverting')
    throw conflict('The volume is going back to this snapshot. Wait until that is over.', 'snapshotState')
  const users = await tx.db.volume.count({ where: { snapshotId: row.id, state: 'creating' } })
  if (users > 0)
    throw conflict('A volume is being made of this snapshot. Wait until that is over.', 'snapshotState')
}
