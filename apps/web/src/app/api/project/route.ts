import { rescopeInput } from '@stratolith/api/identity/contract'
import { cookies } from 'next/headers'
import { apiClient } from '../../../identity/server/api.ts'
import { otherUser } from '../../../identity/server/forward.ts'
import { limitedJson, tooLarge } from '../../../identity/server/limited-body.ts'
import { refusal, refuseForeign } from '../../../identity/server/origin.ts'
import { askedBy, chosen, isOfAnother, keepSession } from '../../../identity/server/places.ts'
import {
  cookieName,
  cookieOptions,
  maxAgeSeconds,
  readSession,
  sealSession,
} from '../../../identity/server/session-cookie.ts'
import { cloudError } from '../../../kit/errors.ts'

const statuses: Partial<Record<string, number>> = { unauthenticated: 401, forbidden: 403, not_found: 404 }

/**
 * Stores the place that a person has chosen to work in; refuses a place where they have no role. Their other tabs stay
 * in their places.
 */
export async function POST(request: Request): Promise<Response> {
  const refused = refuseForeign(request)
  if (refused) return refused
  const jar = await cookies()
  const known = await readSession(jar)
  if (!known) return refusal(401, 'unauthenticated', 'Sign in first: there is no valid session.')
  if (isOfAnother(known, askedBy(request.headers).user)) return refusal(401, 'unauthenticated', otherUser)
  const body = await limitedJson(request)
  if (body === undefined) return tooLarge()
  const input = rescopeInput.safeParse(body)
  if (!input.success) return refusal(400, 'invalid_input', 'Choose a project.')
  try {
    const issued = await apiClient({ token: known.token }).identity.rescope.mutate(input.data)
    keepSession(known, issued)
    const sealed = await sealSession(chosen(known, issued))
    jar.set(cookieName('session'), sealed, { ...cookieOptions(request.headers), maxAge: maxAgeSeconds })
    return Response.json({ project: issued.session.project }, { headers: { 'cache-control': 'no-store' } })
  } catch (error) {
    const { code, message } = cloudError(error)
    return refusal(statuses[code] ?? 503, code, message)
  }
}
