import type { SessionView } from '@stratolith/api/identity/contract'
import { cookies } from 'next/headers'
import { cloudError } from '../../kit/errors.ts'
import { cloudPlace } from '../../kit/paths.ts'
import { placeKey, reachesBeyond, toSession } from '../../kit/place.ts'
import type { Session } from '../../kit/session.ts'
import { apiClient } from './api.ts'
import { forgetSessionAt, isRefused, sessionAt } from './places.ts'
import { type PortalSession, readSession } from './session-cookie.ts'

/**
 * The session of the page's reader, asked of the API so that roles are current; null when the session has ended. When
 * the API does not answer, the session in the cookie counts, so that the page can show the error.
 */
export async function currentSession(): Promise<SessionView | null> {
  const known = await readSession(await cookies())
  return known && (await today(known))
}

/**
 * The session of a page at this place. `refused` says that the user may not be there, and that the session is for a
 * place where they may be. Null when the session has ended.
 */
export async function standing(place: string): Promise<{ session: Session; refused: boolean } | null> {
  const known = await readSession(await cookies())
  if (!known) return null
  const isElsewhere = place !== cloudPlace && place !== placeKey(known.session)
  const [own, there] = await Promise.all([
    today(known),
    isElsewhere ? sessionToday(known, place) : Promise.resolve('own' as const),
  ])
  if (own === null || there === null) return null
  const beyond = reachesBeyond(own)
  const home = known.project ?? own.project?.id ?? null
  if (typeof there === 'object')
    return {
      session: toSession(there, { at: place, beyond: beyond || reachesBeyond(there), home }),
      refused: false,
    }
  const isOfCloud = place === cloudPlace || there === 'refused'
  const at = own.project && !(isOfCloud && beyond) ? own.project.id : cloudPlace
  return { session: toSession(own, { at, beyond, home }), refused: there === 'refused' }
}

/**
 * The session at a place with the user's current rights. A stored token may have ended early, when a role was removed;
 * then another token is asked for, once.
 */
async function sessionToday(known: PortalSession, place: string): Promise<SessionView | 'refused' | null> {
  for (const again of [true, false]) {
    try {
      const view = await today(await sessionAt(known, place))
      if (view !== null) return view
      forgetSessionAt(known, place)
    } catch (error) {
      if (isRefused(error)) return 'refused'
      if (cloudError(error).code === 'unauthenticated') return null
      // The API does not answer, so the rights of the user are unknown, and each part of the page says so.
      if (!again) return { ...known.session, ...nobodyIn(place) }
    }
  }
  return null
}

const nobodyIn = (id: string) => ({
  ...{ project: { id, name: 'This project' }, domain: null, system: false, roles: [], admin: false },
})

async function today({ token, session }: PortalSession): Promise<SessionView | null> {
  try {
    return await apiClient({ token }).identity.session.query()
  } catch (error) {
    return cloudError(error).code === 'unauthenticated' ? null : session
  }
}
