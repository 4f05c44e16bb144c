import { createHash } from 'node:crypto'
import type { IssuedToken } from '@stratolith/api/identity/contract'
import type { ErrorView } from '@stratolith/api/kernel/contract'
import { cloudError } from '../../kit/errors.ts'
import { placeKey, placeOf, reachOfView } from '../../kit/place.ts'
import { apiClient } from './api.ts'
import type { PortalSession } from './session-cookie.ts'

/**
 * The cookie says who the user is, and each request says for which place and user its page was made. The API issues a
 * token for each place from the anchor in the cookie; such a token ends with its place or with the sign-in (decision
 * 25). The tokens that were used last are stored here; for the others, and after a restart, the API is asked again.
 */
type Kept = { issued: Promise<IssuedToken>; endsAt: number }
type Places = Map<string, Kept>

/** One map of sign-ins for all bundles of this process, because pages and route handlers are built apart. */
const holder = globalThis as typeof globalThis & { stratolithPlaces?: Map<string, Places> }
/** When there are more, those that were not used for longest are dropped, which costs only another token later. */
const mostSignIns = 2000
const mostPlaces = 50

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
export async function sessionAt(known: PortalSession, place: string | null): Promise<IssuedToken> {
  const at = place ?? placeKey(known.session)
  if (at === '') return { token: known.token, session: { ...known.session, ...nowhere } }
  const where = placeOf(at)
  if (where === null) throw noPlace
  const tokens = placesOf(known)
  const found = tokens.get(at)
  if (found && found.endsAt > Date.now()) {
    use(tokens, at, found, mostPlaces)
    return found.issued
  }
  const issued = apiClient({ token: known.token }).identity.rescope.mutate(where)
  use(tokens, at, { issued, endsAt: Date.parse(known.session.expiresAt) }, mostPlaces)
  issued.catch(() => tokens.get(at)?.issued === issued && tokens.delete(at))
  return issued
}

const nowhere = { project: null, domain: null, system: false, roles: [], admin: false }

/** Stores a token that the API has issued beside others. */
export function keepSession(known: PortalSession, issued: IssuedToken): void {
  const kept = { issued: Promise.resolve(issued), endsAt: Date.parse(issued.session.expiresAt) }
  use(placesOf(known), placeKey(issued.session), kept, mostPlaces)
}

/** The key has the digest of the token and not the token itself, because memory shall hold no more than it must. */
function placesOf(known: PortalSession): Places {
  holder.stratolithPlaces ??= new Map()
  const key = createHash('sha256').update(known.token).digest('hex')
  const tokens: Places = holder.stratolithPlaces.get(key) ?? new Map()
  use(holder.stratolithPlaces, key, tokens, mostSignIns)
  return tokens
}

/** Makes an entry the newest of the map, and drops the oldest entries of a map that is too long. */
function use<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key)
  map.set(key, value)
  for (const [oldest] of map) {
    if (map.size <= most) break
    map.delete(oldest)
  }
}

/**
 * The place where a session goes on whose own place is lost, or which never had a place: the project that was chosen
 * last, else the first place by name. '' for a user who has no role anywhere.
 */
export async function nextPlace(known: PortalSession): Promise<string> {
  const { projects, domains, system } = await apiClient({ token: known.token }).identity.places.query()
  const project = projects.find(({ id }) => id === known.project) ?? projects[0]
  return placeKey({ project: project ?? null, domain: domains[0] ?? null, system })
}

/** True for the error of a place that is none, or where the API does not let the user in. */
export const isRefused = (error: unknown): boolean =>
  ['not_found', 'forbidden', 'invalid_input'].includes(cloudError(error).code)

/**
 * Drops a token that the API has refused, so that the next request asks for another. A newer token of the place stays:
 * many requests with the old token may be refused, the last of them after another was issued.
 */
export async function forgetSessionAt(
  known: PortalSession,
  place: string | null,
  refused: IssuedToken,
): Promise<void> {
  const at = place ?? placeKey(known.session)
  const tokens = placesOf(known)
  const found = tokens.get(at)
  // A token that could not be issued drops itself.
  const kept = await found?.issued.catch(() => null)
  if (kept?.token === refused.token && tokens.get(at) === found) tokens.delete(at)
}

/**
 * The cookie after a place was chosen. Pages of the cloud belong to no project and use the session in the cookie: a
 * domain or the system that the user has chosen, or the project that reaches furthest. A chosen project that reaches less
 * far takes these pages from nobody. The chosen project is stored for addresses without a project.
 */
export function chosen(known: PortalSession, issued: IssuedToken): PortalSession {
  const [before, after] = [reachOfView(known.session), reachOfView(issued.session)]
  const ofProject = issued.session.project
  const isLess = (before.cloud && !after.cloud) || (before.directory && !after.directory)
  const session = ofProject !== null && isLess ? known.session : issued.session
  const project = ofProject?.id ?? known.project
  return { token: known.token, session, ...(project ? { project } : {}) }
}
