import { createHash } from 'node:crypto'
import type { ErrorView } from '@stratolith/api/kernel/contract'
import { cloudError } from '../../kit/errors.ts'
import { placeKey, placeOf, reachesBeyond } from '../../kit/place.ts'
import { apiClient } from './api.ts'
import type { PortalSession } from './session-cookie.ts'

/**
 * The cookie says who somebody is; each request says for which place its page was made. For a place that is not the
 * cookie's own, the API gives a token of the same sign-in, which dies with it (decision 25). They are kept here until
 * they end; after a restart they are asked for anew.
 */
type Kept = { issued: Promise<PortalSession>; endsAt: number }

/** One for all bundles of this process: pages and route handlers are built apart. */
const holder = globalThis as typeof globalThis & { stratolithPlaces?: Map<string, Kept> }
const kept = (): Map<string, Kept> => {
  holder.stratolithPlaces ??= new Map()
  return holder.stratolithPlaces
}
/** The oldest go first: a token more is all that it costs. */
const most = 5000

const noPlace: ErrorView = {
  ...{ code: 'not_found', message: 'There is no such place.', requestId: '', field: null, retryable: false },
}

/** A page that was made for one project acts in that one, wherever other tabs are. */
export const placeHeader = 'x-stratolith-place'

/** The session at that place. Throws the API's error: not found when the person may not be there. */
export async function sessionAt(known: PortalSession, place: string | null): Promise<PortalSession> {
  if (place === null || place === placeKey(known.session)) return known
  const where = placeOf(place)
  if (where === null) throw noPlace
  const tokens = kept()
  const key = keyOf(known, place)
  const found = tokens.get(key)
  if (found && found.endsAt > Date.now()) return found.issued
  const issued = apiClient({ token: known.token }).identity.rescope.mutate(where)
  tokens.set(key, { issued, endsAt: Date.parse(known.session.expiresAt) })
  for (const [oldest] of tokens) {
    if (tokens.size <= most) break
    tokens.delete(oldest)
  }
  issued.catch(() => tokens.delete(key))
  return issued
}

/** A place that is no project, or of which the API says that the person may not be there. */
export const isRefused = (error: unknown): boolean =>
  ['not_found', 'forbidden', 'invalid_input'].includes(cloudError(error).code)

/** After the API has refused such a token: the next request asks for another one. */
export const forgetSessionAt = (known: PortalSession, place: string | null): void =>
  void (place !== null && kept().delete(keyOf(known, place)))

/** Not the token itself: what is kept in memory shall open nothing more than it must. */
const keyOf = (known: PortalSession, place: string): string =>
  `${createHash('sha256').update(known.token).digest('hex')} ${place}`

/**
 * The cookie after a place was chosen. Its own place is the one that reaches furthest, because pages of the cloud are
 * of no project and are shown by it; the chosen project is remembered for addresses without one.
 */
export function chosen(known: PortalSession, issued: PortalSession): PortalSession {
  const own = reachesBeyond(issued.session) || !reachesBeyond(known.session) ? issued : known
  const project = issued.session.project?.id ?? known.project
  return { token: own.token, session: own.session, ...(project ? { project } : {}) }
}
