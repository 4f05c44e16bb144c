import type { InstanceView } from '@stratolith/api/compute/contract'

/** The properties that may change while the instance is locked. */
export const lockSpares = 'its name, description, tags, security groups and floating IPs'

/** Explains the padlock. */
export function lockText({
  lockedByAdmin,
  lockedReason,
}: Pick<InstanceView, 'lockedByAdmin' | 'lockedReason'>): string {
  const who = lockedByAdmin ? 'Locked by an administrator' : 'Locked'
  const what = `nothing changes until it is unlocked, but for ${lockSpares}. Administrators may still do everything.`
  return `${who}: ${what}${lockedReason ? ` Reason: ${lockedReason}` : ''}`
}

/** The server does not bind administrators by a lock, so for them the instance counts as unlocked. */
export const asLockedFor = <V extends { locked: boolean }>(isAdmin: boolean, view: V): V => ({
  ...view,
  locked: view.locked && !isAdmin,
})
