import { cookies } from 'next/headers'
import { apiClient } from '../../../identity/server/api.ts'
import { refusalOf, sessionOrRefusal } from '../../../identity/server/forward.ts'
import { refusal, refuseForeign } from '../../../identity/server/origin.ts'
import { askedBy } from '../../../identity/server/places.ts'
import { readSession } from '../../../identity/server/session-cookie.ts'

/**
 * Makes a token for the person's own command line when they ask for one. It is made from the session for the place of
 * the page, and is never the session's own token. Signing out ends it.
 */
export async function POST(request: Request): Promise<Response> {
  const refused = refuseForeign(request)
  if (refused) return refused
  const known = await readSession(await cookies())
  if (!known) return refusal(401, 'unauthenticated', 'Sign in first: there is no valid session.')
  const there = await sessionOrRefusal(known, askedBy(request.headers))
  if (there instanceof Response) return there
  const { project, domain, system } = there.session
  const where = project
    ? { projectId: project.id }
    : domain
      ? { domainId: domain.id }
      : system
        ? { system: true as const }
        : null
  if (where === null)
    return refusal(403, 'forbidden', 'You have no role anywhere: a token would open nothing.')
  try {
    const { token, session } = await apiClient({ token: known.token }).identity.rescope.mutate(where)
    return Response.json(
      { token, expiresAt: session.expiresAt },
      { headers: { 'cache-control': 'no-store' } },
    )
  } catch (error) {
    return refusalOf(error)
  }
}
