import { paths } from './paths.ts'

let leaving = false

/** To the sign-in page, once, keeping the way back. `ended`: the session died, elsewhere or by age. */
export function leave(why: 'ended' | 'signed-out'): void {
  if (leaving || window.location.pathname === paths.signIn) return
  leaving = true
  const here = window.location.pathname + window.location.search
  const query = new URLSearchParams(why === 'ended' ? { from: here, ended: '1' } : {})
  window.location.assign(`${paths.signIn}${query.size > 0 ? `?${query}` : ''}`)
}
