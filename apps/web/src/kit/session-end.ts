import { forgetOwn } from './own-storage.ts'
import { paths } from './paths.ts'

export type EndReason = 'ended' | 'signed-out' | 'password-changed'
let leaving: EndReason | null = null
let expected: EndReason | null = null

/** Before something that ends this session: others may tell of the end before the answer does. Null: it failed. */
export function expectEnd(why: EndReason | null): void {
  expected = why
}

/** Why the portal is being left; null: it is not. */
export const leftBecause = (): EndReason | null => leaving

/**
 * The session has died. By the stream: the events say so, so that what was asked for here has happened. A refused
 * request proves no such thing, because the session may have been dead before; but whoever signs out is out by that, too.
 */
export function leaveEnded(by: 'stream' | 'refusal'): void {
  leave(expected !== null && (by === 'stream' || expected === 'signed-out') ? expected : 'ended')
}

/** To the sign-in page, once, keeping the way back. `ended`: the session died, elsewhere or by age. */
export function leave(why: EndReason): void {
  if (leaving !== null || window.location.pathname === paths.signIn) return
  leaving = why
  if (why === 'signed-out') forgetOwn(window.sessionStorage)
  const here = window.location.pathname + window.location.search
  const query = new URLSearchParams(why === 'signed-out' ? {} : { from: here, ended: why })
  window.location.assign(`${paths.signIn}${query.size > 0 ? `?${query}` : ''}`)
}
