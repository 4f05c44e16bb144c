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
 * Who looks at this page, asked of the API so that roles are today's; null when the session is over.
 * While the API does not answer, the cookie's word stands: the page then shows what is wrong.
 */
export async function currentSession(): Promise<SessionView | null> {
  const known = await readSession(await cookies())
  return known && (await today(known))
}

/**
 * The session of a page at this place. `refused`: the person may not be there, and the session is that of where they
 * may be. Null: the session is over.
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

/** A kept token may be dead before its time, when a role was taken away: then another one is asked for, once. */
async function sessionToday(known: PortalSession, place: string): Promise<SessionView | 'refused' | null> {
  for (const again of [true, false]) {
    try {
      const view = await today(await sessionAt(known, place))
      if (view !== null) return view
      forgetSessionAt(known, place)
    } catch (error) {
      if (isRefused(error)) return 'refused'
      if (cloudError(error).code === 'unauthenticated') return null
      // The API does not answer, and nobody knows what the person may do there: the page says so, part by part.
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
