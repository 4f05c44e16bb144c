import type { QuotaView } from '@stratolith/api/kernel/contract'
import type { BackupView, UnknownBackup } from '@stratolith/api/volumes/backups/contract'
import type { ScheduleView } from '@stratolith/api/volumes/backups/schedules/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { volumeCan } from '@stratolith/api/volumes/states'
import { bytes, gib } from '../../kit/format.ts'
import { type Adds, addsOf } from '../words.ts'

/** OpenStack's clients may leave a backup without a name. */
export const backupName = ({ name, id }: Pick<BackupView, 'name' | 'id'>): string => name || id

type Made = Pick<BackupView, 'state' | 'snapshotId' | 'dataTimestamp'>

/** The name of the volume of a backup, which may be gone. */
export const sourceName = ({ volume }: Pick<BackupView, 'volume'>): string =>
  (volume.name ?? volume.lastName) || volume.id

/** The time of what a backup contains; null: it has not begun to read the volume. */
export const madeAt = ({ state, snapshotId, dataTimestamp }: Made): string | null =>
  state === 'creating' && snapshotId === null ? null : dataTimestamp

/** Says in a cell how much of the content a backup has stored itself. */
export const kindText = ({ parentId }: Pick<BackupView, 'parentId'>): string =>
  parentId === null ? 'Full' : 'Incremental'

/** Says how much a backup takes in its store, beside the size of the volume. */
export const storedText = ({ storedBytes, sizeGib }: Pick<BackupView, 'storedBytes' | 'sizeGib'>): string =>
  storedBytes === null ? '–' : `${bytes(storedBytes)} of ${gib(sizeGib)}`

type Shown = { total: number; items: readonly Pick<UnknownBackup, 'storedBytes'>[] }
/** Says how many backups lie in the stores without a row, and how much they take there. */
export function unknownText({ total, items }: Shown): string {
  const stored = bytes(items.reduce((sum, { storedBytes }) => sum + (storedBytes ?? 0), 0))
  const all = `${total.toLocaleString('en')} ${total === 1 ? 'backup' : 'backups'} without a row`
  return total > items.length
    ? `${all}. These are the first ${items.length}, which take ${stored}.`
    : `${all}, ${stored}.`
}

/** Says what is lost with the backups, and how long (in words) they can be taken back; null: not at all. */
export function backupLoss(backups: readonly Pick<BackupView, 'sizeGib'>[], wait: string | null): string {
  const size = gib(backups.reduce((sum, { sizeGib }) => sum + sizeGib, 0))
  const [what, other] =
    backups.length === 1
      ? ['What it contains', 'Other backups of the volume stay whole.']
      : ['What they contain', 'Other backups of their volumes stay whole.']
  return wait === null
    ? `${what} cannot be brought back. ${other} ${size} of the quota are free again.`
    : `${what} is deleted in ${wait} and can be taken back until then; ${size} count in the quota meanwhile. ${other}`
}

/** Says that a schedule would keep more than the quota has room for; null when there is room. */
export function keepProblem(
  quotas: readonly Pick<QuotaView, 'resource' | 'used' | 'limit'>[],
  adds: Adds,
): string | null {
  const over = quotas.find(({ resource, used, limit }) => limit >= 0 && used + addsOf(adds, resource) > limit)
  if (!over) return null
  const left = Math.max(0, over.limit - over.used)
  const room =
    over.resource === 'volumeBackupGib' ? `${left} GiB` : `${left} more ${left === 1 ? 'backup' : 'backups'}`
  return `The project’s quota has room for ${room}: when it is full, no more backups are made. Keep fewer, or ask an administrator for more.`
}

/** Says that a schedule keeps more than the whole quota, so that it stops at some time whatever else there is; null when it does not. */
export const scheduleProblem = (
  quotas: readonly Pick<QuotaView, 'resource' | 'used' | 'limit'>[],
  { keep }: Pick<ScheduleView, 'keep'>,
  sizeGib: number,
): string | null =>
  keepProblem(
    quotas.map((one) => ({ ...one, used: 0 })),
    { volumeBackups: keep, volumeBackupGib: keep * sizeGib },
  )

type Target = Pick<VolumeView, 'sizeGib' | 'state' | 'multiattach' | 'keyId'>

/** Why a volume cannot get what the backup contains; null when nothing is known against that. */
export function whyNotTo(volume: Target, { sizeGib, keyId }: Pick<BackupView, 'sizeGib' | 'keyId'>) {
  if (volume.sizeGib < sizeGib) return `It is smaller than the backup, which needs ${gib(sizeGib)}.`
  if (volume.keyId !== keyId) {
    if (volume.keyId === null) return 'It is not encrypted, and the backup is.'
    return keyId === null ? 'It is encrypted, and the backup is not.' : 'It is encrypted by another key.'
  }
  const allowed = volumeCan.restore(volume)
  return allowed === true ? null : allowed
}

export type Restoring = { to: 'new' | 'existing'; name: string; volumeId: string | null }

/**
 * What the form to restore a backup begins with. A new volume belongs to the session's project, so that the data of another
 * project's backup must not get into one.
 */
export const restoringOf = (backup: Pick<BackupView, 'volume'>, isElsewhere: boolean): Restoring => ({
  ...{ to: isElsewhere ? 'existing' : 'new', name: sourceName(backup), volumeId: null },
})

/** Says what is lost when a backup is restored to a volume that exists. */
export const restoreLoss = (volume: string, sizeGib: number, backupGib: number): string =>
  `Everything on “${volume}” is lost and replaced by what the backup contains.${
    sizeGib > backupGib
      ? ` The volume keeps its ${gib(sizeGib)}; what is beyond ${gib(backupGib)} reads as zeros.`
      : ''
  } If the restore fails, the volume has its old content.`

/** The percentage in what an operation says of its progress: "Storing: 43 %"; null when it says none. */
export function percentOf(progress: string | null | undefined): number | null {
  const found = /(\d{1,3}) ?%/.exec(progress ?? '')
  return found ? Math.min(100, Number(found[1])) : null
}

export const weekdays = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
] as const

/** "02:30" for a minute of the day. */
export const clockText = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`

/** The minute of the day for "02:30"; null when it is no time. */
export function minuteOf(clock: string): number | null {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(clock.trim()) ?? []
  const minute = Number(hours) * 60 + Number(minutes)
  return hours !== undefined && Number(hours) < 24 && Number(minutes) < 60 ? minute : null
}

/** Says in a sentence when a schedule is due. */
export function scheduleText({
  every,
  hours,
  minute,
  weekday,
  timeZone,
}: Pick<ScheduleView, 'every' | 'hours' | 'minute' | 'weekday' | 'timeZone'>): string {
  if (every === 'hours') return hours === 1 ? 'Every hour' : `Every ${hours} hours`
  const at = `at ${clockText(minute)} (${timeZone})`
  return every === 'day' ? `Every day ${at}` : `Every ${weekdays[weekday] ?? 'week'} ${at}`
}
