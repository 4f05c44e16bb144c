import type { Ctx } from '../../../kernel/context.ts'
import { CloudError } from '../../../kernel/errors.ts'
import { removeBackupNow } from '../trash.ts'

/** How many backups one call begins to remove; the next one goes on. */
const atOnce = 100

/**
 * Begins to remove the oldest backups of a schedule that are more than it keeps, and those that have failed before the
 * newest that was made. Only backups that the schedule has made itself go, at once: nobody has asked for them. One on
 * which another backup builds that is being made stays until the next time.
 */
export async function trimSchedule(tx: Ctx, scheduleId: string): Promise<void> {
  const schedule = await tx.db.volumeBackupSchedule.findUnique({ where: { id: scheduleId } })
  if (!schedule) return
  const made = { scheduleId, trashedUntil: null, projectId: schedule.projectId }
  const order = [{ createdAt: 'desc' as const }, { id: 'asc' as const }]
  const available = await tx.db.volumeBackup.findMany({
    where: { ...made, state: { in: ['available', 'restoring'] } },
    select: { id: true, createdAt: true },
    orderBy: order,
    take: schedule.keep + atOnce,
  })
  const [newest] = available
  const failed = newest
    ? await tx.db.volumeBackup.findMany({
        where: { ...made, state: 'error', createdAt: { lt: newest.createdAt } },
        select: { id: true },
        orderBy: order,
        take: atOnce,
      })
    : []
  for (const { id } of [...available.slice(schedule.keep), ...failed]) await removed(tx, id)
}

async function removed(tx: Ctx, id: string): Promise<void> {
  try {
    await removeBackupNow(tx, { id })
  } catch (error) {
    if (!(error instanceof CloudError) || !['conflict', 'not_found'].includes(error.code)) throw error
    tx.log.info({ err: error, backup: id }, 'a backup of a schedule stays for now')
  }
}
