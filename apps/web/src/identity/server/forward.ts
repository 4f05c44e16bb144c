import { cookies } from 'next/headers'
import { placeKey } from '../../kit/place.ts'
import { apiUrl, doorHeaders } from './api.ts'
import { sourceOf } from './front-door.ts'
import { refusal } from './origin.ts'
import { readSession } from './session-cookie.ts'

const maxBodyBytes = 1 << 20
/** These procedures answer with a token, which the browser must not see, or have a route of their own. */
const ownRoutes = new Set(['identity.signIn', 'identity.rescope', 'identity.signOut'])
/** The place that the page was made for. After a switch in another tab, the page must not act in the other project. */
const placeHeader = 'x-stratolith-place'

/** Passes a tRPC request of the browser on to the API, with the token that only this server knows. */
export async function forwardTrpc(request: Request, procedures: string): Promise<Response> {
  if (!/^[\w.,]{1,4000}$/.test(procedures)) return refusal(404, 'not_found', 'There is no such procedure.')
  if (procedures.split(',').some((name) => ownRoutes.has(name)))
    return refusal(404, 'not_found', 'There is no such procedure.')
  const known = await readSession(await cookies())
  const wanted = request.headers.get(placeHeader)
  if (known && wanted !== null && wanted !== placeKey(known.session)) return switched()
  const body = request.method === 'POST' ? await limitedBody(request) : undefined
  if (body === null)
    return refusal(413, 'invalid_input', 'The request is larger than 1 MiB. Send a smaller request.')
  const headers = new Headers({ ...doorHeaders(), accept: request.headers.get('accept') ?? '*/*' })
  for (const name of ['content-type', 'trpc-accept']) {
    const value = request.headers.get(name)
    if (value) headers.set(name, value)
  }
  if (known) headers.set('x-auth-token', known.token)
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
    return new Response(answer.body, { status: answer.status, headers: keptHeaders(answer) })
  } catch (error) {
    if (request.signal.aborted) return new Response(null, { status: 499 })
    console.error('the API does not answer', error)
    return refusal(503, 'unavailable', 'The control plane does not answer. We keep trying.')
  }
}

function switched(): Response {
  const answer = refusal(
    409,
    'conflict',
    'You have switched to another project in another tab. Reload the page.',
  )
  answer.headers.set('x-stratolith-reload', '1')
  return answer
}

function keptHeaders(answer: Response): Headers {
  const headers = new Headers({ 'cache-control': 'no-store' })
  for (const name of ['content-type', 'vary']) {
    const value = answer.headers.get(name)
    if (value) headers.set(name, value)
  }
  return headers
}

/** The bytes of the body; null when there are too many, whatever content-length says. */
async function limitedBody(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength
    if (length > maxBodyBytes) return null
    chunks.push(chunk)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
