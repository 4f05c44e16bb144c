import { paths } from './paths.ts'

export type EndReason = 'ended' | 'signed-out' | 'password-changed'
let leaving = false
let expected: EndReason | null = null

/** Before something that ends this session: the event stream may tell of the end before the answer does. */
export function expectEnd(why: EndReason | null): void {
  expected = why
}

/** To the sign-in page, once, keeping the way back. `ended`: the session died, elsewhere or by age. */
export function leave(reason: EndReason): void {
  if (leaving || window.location.pathname === paths.signIn) return
  leaving = true
  const why = expected ?? reason
  const here = window.location.pathname + window.location.search
  const query = new URLSearchParams(why === 'signed-out' ? {} : { from: here, ended: why })
  window.location.assign(`${paths.signIn}${query.size > 0 ? `?${query}` : ''}`)
}
