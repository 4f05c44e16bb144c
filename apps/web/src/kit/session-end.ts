import { paths } from './paths.ts'

export type EndReason = 'ended' | 'signed-out' | 'password-changed'
let leaving: EndReason | null = null
let expected: EndReason | null = null

/** Before something that ends this session: the event stream may tell of the end before the answer does. */
export function expectEnd(why: EndReason | null): void {
  expected = why
}

/** Why the portal is being left; null: it is not. */
export const leftBecause = (): EndReason | null => leaving

/** To the sign-in page, once, keeping the way back. `ended`: the session died, elsewhere or by age. */
export function leave(reason: EndReason): void {
  if (leaving !== null || window.location.pathname === paths.signIn) return
  const why = expected ?? reason
  leaving = why
  const here = window.location.pathname + window.location.search
  const query = new URLSearchParams(why === 'signed-out' ? {} : { from: here, ended: why })
  window.location.assign(`${paths.signIn}${query.size > 0 ? `?${query}` : ''}`)
}
