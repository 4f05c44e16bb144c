import type { InstanceView } from '@stratolith/api/compute/contract'

/** What a lock leaves alone. */
export const lockSpares = 'its name, description, tags, security groups and floating IPs'

/** What the padlock means. */
export function lockText({
  lockedByAdmin,
  lockedReason,
}: Pick<InstanceView, 'lockedByAdmin' | 'lockedReason'>): string {
  const who = lockedByAdmin ? 'Locked by an administrator' : 'Locked'
  const what = `nothing changes until it is unlocked, but for ${lockSpares}. Administrators may still do everything.`
  return `${who}: ${what}${lockedReason ? ` Reason: ${lockedReason}` : ''}`
}

/** As for the server: a lock does not bind administrators. */
export const asLockedFor = <V extends { locked: boolean }>(isAdmin: boolean, view: V): V => ({
  ...view,
  locked: view.locked && !isAdmin,
})
