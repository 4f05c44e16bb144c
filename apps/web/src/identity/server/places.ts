import { createHash } from 'node:crypto'
import type { ErrorView } from '@stratolith/api/kernel/contract'
import { cloudError } from '../../kit/errors.ts'
import { placeKey, placeOf, reachOfView } from '../../kit/place.ts'
import { apiClient } from './api.ts'
import type { PortalSession } from './session-cookie.ts'

/**
 * The cookie says who the user is, and each request says for which place and user its page was made. For a place other than that
 * of the cookie, the API issues a token of the same sign-in, which ends with the sign-in (decision 25). These tokens
 * are stored here until they end; after a restart, new tokens are asked for.
 */
type Kept = { issued: Promise<PortalSession>; endsAt: number }

/** One map for all bundles of this process, because pages and route handlers are built apart. */
const holder = globalThis as typeof globalThis & { stratolithPlaces?: Map<string, Kept> }
const kept = (): Map<string, Kept> => {
  holder.stratolithPlaces ??= new Map()
  return holder.stratolithPlaces
}
/** When there are more, the oldest tokens are dropped, which costs only another token later. */
const most = 5000

const noPlace: ErrorView = {
  ...{ code: 'not_found', message: 'There is no such place.', requestId: '', field: null, retryable: false },
}

/** The place that the page was made for. The page acts there, whichever project other tabs are in. */
const placeHeader = 'x-stratolith-place'
/** The user that the page was made for. When somebody else has signed in since then, the page acts no more. */
const userHeader = 'x-stratolith-user'

/** What a request says of its page; null for what it does not say, such as a link. */
export type Asked = { place: string | null; user: string | null }
export const askedBy = (headers: Headers): Asked => ({
  place: headers.get(placeHeader),
  user: headers.get(userHeader),
})

/** Answers whether the page was made for somebody else than the user of the cookie. */
export const isOfAnother = (known: PortalSession, user: string | null): boolean =>
  user !== null && user !== known.session.user.id

/** The session at a place. Throws the API's error: not_found when the user may not be there. */
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

/** True for the error of a place that is none, or where the API does not let the user in. */
export const isRefused = (error: unknown): boolean =>
  ['not_found', 'forbidden', 'invalid_input'].includes(cloudError(error).code)

/** Drops a token that the API has refused, so that the next request asks for another. */
export const forgetSessionAt = (known: PortalSession, place: string | null): void =>
  void (place !== null && kept().delete(keyOf(known, place)))

/** The key has the digest of the token and not the token itself, because memory shall hold no more than it must. */
const keyOf = (known: PortalSession, place: string): string =>
  `${createHash('sha256').update(known.token).digest('hex')} ${place}`

/**
 * The cookie after a place was chosen. The place of the cookie is the one that reaches furthest, because pages of the
 * cloud belong to no project and use this session: the whole cloud is further than the directory of a domain, and that
 * is further than a project. Of two that reach equally far, the chosen one counts. The chosen project is stored for
 * addresses without a project.
 */
export function chosen(known: PortalSession, issued: PortalSession): PortalSession {
  const [before, after] = [reachOfView(known.session), reachOfView(issued.session)]
  const isLess = (before.cloud && !after.cloud) || (before.directory && !after.directory)
  const own = isLess ? known : issued
  const project = issued.session.project?.id ?? known.project
  return { token: own.token, session: own.session, ...(project ? { project } : {}) }
}
