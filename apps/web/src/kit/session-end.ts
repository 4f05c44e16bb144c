import { forgetOwn } from './own-storage.ts'
import { paths } from './paths.ts'

export type EndReason = 'ended' | 'signed-out' | 'password-changed'
let leaving: EndReason | null = null
let expected: EndReason | null = null
/** Another tab has announced that the person signs out. */
let isAnnounced = false
/** The tabs of this browser tell each other here that the person signs out. */
const signOuts = 'stratolith.sign-out'

/**
 * Call this before a request that ends the session, because an event may tell of the end before the answer does. Null:
 * the request failed.
 */
export function expectEnd(why: EndReason | null): void {
  if (why === 'signed-out' || expected === 'signed-out') {
    const others = new BroadcastChannel(signOuts)
    others.postMessage(why)
    others.close()
  }
  expected = why
}

export const endIsExpected = (): boolean => expected !== null || isAnnounced

/**
 * Hears when the person signs out in another tab, so that this tab leaves nothing behind either. Returns the function
 * that ends this.
 */
export function hearSignOut(): () => void {
  const others = new BroadcastChannel(signOuts)
  others.onmessage = ({ data }) => {
    isAnnounced = data === 'signed-out'
  }
  return () => others.close()
}

/**
 * The API has let this page in. When another tab had announced a sign-out, the same person has signed in again since
 * then, and a later end of the session is another one.
 */
export function sessionGoesOn(): void {
  isAnnounced = false
}

/** The reason for which the portal is being left; null: it is not being left. */
export const leftBecause = (): EndReason | null => leaving

/**
 * Leaves the portal because the session has ended. When the stream says so, the request that was announced to expectEnd
 * has ended the session. A refused request does not prove that, because the session may have ended before; but after a
 * sign-out the person is signed out in both cases.
 */
export function leaveEnded(by: 'stream' | 'refusal'): void {
  const why = expected ?? (isAnnounced ? 'signed-out' : null)
  leave(why !== null && (by === 'stream' || why === 'signed-out') ? why : 'ended')
}

/** Opens the sign-in page once, and keeps the way back. `ended`: the session ended elsewhere or by its age. */
export function leave(why: EndReason): void {
  if (leaving !== null || window.location.pathname === paths.signIn) return
  leaving = why
  if (why === 'signed-out') for (const store of [window.sessionStorage, window.localStorage]) forgetOwn(store)
  const here = window.location.pathname + window.location.search
  const query = new URLSearchParams(why === 'signed-out' ? {} : { from: here, ended: why })
  window.location.assign(`${paths.signIn}${query.size > 0 ? `?${query}` : ''}`)
}
