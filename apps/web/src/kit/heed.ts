import { isPlaceLost, isSessionOver } from './errors.ts'
import { leaveEnded } from './session-end.ts'

/** A page listens to this event of the window to ask anew what the person may do (live.tsx). */
export const rightsChanged = 'stratolith:rights'

/**
 * Every refusal of the portal's server passes here, whether a procedure or another route was asked: a page without a
 * session leaves for the sign-in page, and a page that has lost its place says so.
 */
export function heed(error: unknown): void {
  if (isSessionOver(error)) leaveEnded('refusal')
  else if (isPlaceLost(error)) window.dispatchEvent(new Event(rightsChanged))
}
