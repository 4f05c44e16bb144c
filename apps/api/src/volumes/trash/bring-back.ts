import type { Ctx } from '../../kernel/context.ts'
import { noteVolume, stateOf } from '../row.ts'
import { volumeTransitioning } from '../states.ts'
import { isDue } from './trash.ts'

/**
 * Takes a deleted volume out of the trash, under the lock of its row, because a snapshot of it could not be removed:
 * everybody sees both again and can delete them again. A volume whose own time is over says the reason. Does nothing for a
 * volume that is not deleted.
 */
export async function bringBack(tx: Ctx, id: string, reason: string, operationId?: string): Promise<void> {
  const row = await tx.db.volume.findUnique({ where: { id } })
  if (!row || row.trashedUntil === null) return
  // The end of whatever is still being done to it writes the state.
  const isOver = (await isDue(tx, row)) && !volumeTransitioning(stateOf(row))
  const failed = isOver ? { state: 'error_deleting', faultMessage: reason, isWhole: false } : {}
  await tx.db.volume.update({ where: { id }, data: { trashedUntil: null, ...failed } })
  await noteVolume(tx, row, 'updated', operationId)
}
