import type { IssuedToken, SessionView } from '@stratolith/api/identity/contract'
import { cookies } from 'next/headers'
import { cloudError } from '../../kit/errors.ts'
import { cloudPlace, placeIn } from '../../kit/paths.ts'
import { placeKey, reachesBeyond, toSession } from '../../kit/place.ts'
import type { Session } from '../../kit/session.ts'
import { apiClient } from './api.ts'
import { forgetSessionAt, isRefused, nextPlace, sessionAt } from './places.ts'
import { type PortalSession, readSession } from './session-cookie.ts'

/**
 * Answers whether the page at this address would be shown to the reader without another sign-in. It asks as the page
 * does, because a sign-in may be good and yet give no token for a place, when the account has to prove more by now; the
 * sign-in page and the page would send the reader to each other for ever. When the API does not answer, the cookie counts.
 */
export async function isSignedIn(path: string): Promise<boolean> {
  const known = await readSession(await cookies())
  return known !== null && (await standing(placeIn(path) ?? known.project ?? cloudPlace)) !== null
}

/**
 * The session of a page at this place, asked of the API so that roles are current. `refused` says that the user may not
 * be there, and that the session is for a place where they may be. Null when the sign-in has ended.
 */
export async function standing(place: string): Promise<{ session: Session; refused: boolean } | null> {
  const known = await readSession(await cookies())
  if (!known) return null
  const isElsewhere = place !== cloudPlace && place !== placeKey(known.session)
  const [found, elsewhere] = await Promise.all([
    ownToday(known),
    isElsewhere ? sessionToday(known, place) : Promise.resolve(null),
  ])
  if (found === null || (isElsewhere && elsewhere === null)) return null
  const { own, lost } = found
  const refused = elsewhere === 'refused' || (lost && place === placeKey(known.session))
  const beyond = reachesBeyond(own)
  const home = (refused && known.project === place ? null : known.project) ?? own.project?.id ?? null
  if (elsewhere !== null && elsewhere !== 'refused')
    return {
      session: toSession(elsewhere, { at: place, beyond: beyond || reachesBeyond(elsewhere), home }),
      refused,
    }
  const isOfCloud = place === cloudPlace || refused
  const at = own.project && !(isOfCloud && beyond) ? own.project.id : cloudPlace
  return { session: toSession(own, { at, beyond, home }), refused }
}

/**
 * The session of the cookie's own place. When this place is lost, the session is for the next place, and `lost` says so.
 */
async function ownToday(known: PortalSession): Promise<{ own: SessionView; lost: boolean } | null> {
  const at = placeKey(known.session)
  const own = at === '' ? 'refused' : await sessionToday(known, at)
  if (own !== 'refused') return own && { own, lost: false }
  try {
    const next = await sessionToday(known, await nextPlace(known))
    return next && { own: next === 'refused' ? known.session : next, lost: true }
  } catch (error) {
    return cloudError(error).code === 'unauthenticated' ? null : { own: known.session, lost: true }
  }
}

/**
 * The session at a place with the user's current rights. A stored token may have ended early, when a role was removed;
 * then another token is asked for, once.
 */
async function sessionToday(known: PortalSession, place: string): Promise<SessionView | 'refused' | null> {
  for (const again of [true, false]) {
    try {
      const issued = await sessionAt(known, place)
      const view = await today(issued)
      if (view !== null) return view
      await forgetSessionAt(known, place, issued)
    } catch (error) {
      if (isRefused(error)) return 'refused'
      if (cloudError(error).code === 'unauthenticated') return null
      // The API does not answer, so the rights of the user are unknown, and each part of the page says so.
      if (!again)
        return place === placeKey(known.session) ? known.session : { ...known.session, ...nobodyIn(place) }
    }
  }
  return null
}

const nobodyIn = (id: string) => ({
  ...{ project: { id, name: 'This project' }, domain: null, system: false, roles: [], admin: false },
})

async function today({ token, session }: IssuedToken): Promise<SessionView | null> {
  try {
    return await apiClient({ token }).identity.session.query()
  } catch (error) {
    return cloudError(error).code === 'unauthenticated' ? null : session
  }
}
