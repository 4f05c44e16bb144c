import { z } from 'zod'
import type { BackupState } from '../states.ts'

export const scheduleOfInput = z.object({ volumeId: z.uuid() })
export const scheduleSetInput = z.object({
  volumeId: z.uuid(),
  every: z.enum(['hours', 'day', 'week']),
  /** Between two backups of "hours". */
  hours: z.int().min(1).max(168).default(1),
  /** The minute of the day; for "week" on that day, of which Sunday is 0. */
  minute: z.int().min(0).max(1439).default(0),
  weekday: z.int().min(0).max(6).default(0),
  timeZone: z.string().max(64).refine(isTimeZone, 'There is no such time zone.').default('UTC'),
  /** How many of its backups are kept. */
  keep: z.int().min(1, 'Keep at least one.').max(1000).default(7),
})

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone.length > 0
  } catch {
    return false
  }
}

export type ScheduleView = z.output<typeof scheduleSetInput> & {
  id: string
  nextAt: string
  /** When it began a backup for the last time; null: never yet. */
  lastAt: string | null
  /** That backup; null when it is deleted. */
  last: { id: string; name: string; state: BackupState; error: string | null } | null
  /** Why the last one could not begin; null when it began. */
  lastFailure: string | null
}
