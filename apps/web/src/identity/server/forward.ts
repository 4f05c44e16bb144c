import type { IssuedToken } from '@stratolith/api/identity/contract'
import { cookies } from 'next/headers'
import { batchSize } from '../../kit/batch.ts'
import { cloudError } from '../../kit/errors.ts'
import { apiUrl, doorHeaders } from './api.ts'
import { sourceOf } from './front-door.ts'
import { limitedBody, tooLarge } from './limited-body.ts'
import { refusal } from './origin.ts'
import { type Asked, askedBy, forgetSessionAt, isOfAnother, isRefused, sessionAt } from './places.ts'
import { type PortalSession, readSession } from './session-cookie.ts'

/** What a page reads that was made for somebody else. */
export const otherUser = 'Somebody else has signed in with this browser. Load the page again.'
/** These procedures answer with a token, which the browser must not see, or have a route of their own. */
const ownRoutes = new Set(['identity.signIn', 'identity.rescope', 'identity.signOut'])

/** Passes a tRPC request of the browser on to the API, with the token that only this server knows. */
export async function forwardTrpc(request: Request, procedures: string): Promise<Response> {
  if (!/^[\w.,]{1,4000}$/.test(procedures)) return refusal(404, 'not_found', 'There is no such procedure.')
  if (procedures.split(',').some((name) => ownRoutes.has(name)))
    return refusal(404, 'not_found', 'There is no such procedure.')
  if (procedures.split(',').length > batchSize)
    return refusal(400, 'invalid_input', `A batch has at most ${batchSize} calls. Send several batches.`)
  const known = await readSession(await cookies())
  const asked = askedBy(request.headers)
  const there = known && (await sessionOrRefusal(known, asked))
  if (there instanceof Response) return there
  const body = request.method === 'POST' ? await limitedBody(request) : undefined
  if (body === null) return tooLarge()
  const headers = new Headers({ ...doorHeaders(), accept: request.headers.get('accept') ?? '*/*' })
  for (const name of ['content-type', 'trpc-accept']) {
    const value = request.headers.get(name)
    if (value) headers.set(name, value)
  }
  if (there) headers.set('x-auth-token', there.token)
  // Some procedures count failures by this address.
  const source = sourceOf(request.headers)
  if (source) headers.set('x-stratolith-source', source)
  try {
    const url = `${apiUrl('/trpc')}/${procedures}${new URL(request.url).search}`
    const answer = await fetch(url, {
      method: request.method,
      headers,
      body,
      signal: request.signal,
      cache: 'no-store',
    })
    // A batch of which some procedures need no session has the status 207.
    const isRefusal = answer.status === 401 || answer.status === 207
    if (known && there && isRefusal && answer.headers.get('x-stratolith-token') === 'over')
      return await afterEnd(known, asked, there)
    return new Response(answer.body, { status: answer.status, headers: keptHeaders(answer) })
  } catch (error) {
    if (request.signal.aborted) return new Response(null, { status: 499 })
    console.error('the API does not answer', error)
    return refusal(503, 'unavailable', 'The control plane does not answer. We keep trying.')
  }
}

/** The session at the place of a request; or the refusal, when there is none or the page is somebody else's. */
export async function sessionOrRefusal(
  known: PortalSession,
  { place, user }: Asked,
): Promise<IssuedToken | Response> {
  if (isOfAnother(known, user)) return refusal(401, 'unauthenticated', otherUser)
  try {
    return await sessionAt(known, place)
  } catch (error) {
    return refusalOf(error)
  }
}

/** The refusal of a page for whose place the API gives no token. */
export function refusalOf(error: unknown): Response {
  const { code, message } = cloudError(error)
  if (code === 'unauthenticated') return refusal(401, code, message)
  // The field tells the page that it has lost its place (kit/errors.ts).
  if (isRefused(error))
    return refusal(403, 'forbidden', 'You have no role in this project any more.', 'place')
  return refusal(503, 'unavailable', 'The control plane does not answer. We keep trying.')
}

/**
 * The answer to a request whose token the API has refused: the sign-in may be over, or the user has lost the place. When
 * neither is so, for example because the project was disabled and enabled again, the page asks again by itself.
 */
export async function afterEnd(known: PortalSession, asked: Asked, refused: IssuedToken): Promise<Response> {
  await forgetSessionAt(known, asked.place, refused)
  const there = await sessionOrRefusal(known, asked)
  if (there instanceof Response) return there
  return refusal(503, 'unavailable', 'Your rights in this project have changed. Try again.')
}

function keptHeaders(answer: Response): Headers {
  const headers = new Headers({ 'cache-control': 'no-store' })
  for (const name of ['content-type', 'vary']) {
    const value = answer.headers.get(name)
    if (value) headers.set(name, value)
  }
  return headers
}
