import type { InstanceView } from '@stratolith/api/compute/contract'

/** What the padlock means. */
export function lockText({
  lockedByAdmin,
  lockedReason,
}: Pick<InstanceView, 'lockedByAdmin' | 'lockedReason'>): string {
  const who = lockedByAdmin ? 'Locked by an administrator' : 'Locked'
  return `${who}: nothing changes until it is unlocked.${lockedReason ? ` Reason: ${lockedReason}` : ''}`
}
