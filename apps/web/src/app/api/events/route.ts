import { cookies } from 'next/headers'
import { apiUrl, doorHeaders } from '../../../identity/server/api.ts'
import { afterEnd, sessionOrRefusal } from '../../../identity/server/forward.ts'
import { refusal } from '../../../identity/server/origin.ts'
import { readSession } from '../../../identity/server/session-cookie.ts'

/**
 * The event stream of the page's project. The parameters `at` and `user` name the page's place and user, because an
 * EventSource cannot send headers of our own. The stream from the API ends as soon as the browser leaves.
 */
export async function GET(request: Request): Promise<Response> {
  const known = await readSession(await cookies())
  if (!known) return refusal(401, 'unauthenticated', 'Sign in first: there is no valid session.')
  const asked = new URL(request.url).searchParams
  const [after, place] = [asked.get('after'), asked.get('at')]
  const page = { place, user: asked.get('user') }
  const there = await sessionOrRefusal(known, page)
  if (there instanceof Response) return there
  const last = request.headers.get('last-event-id')
  const upstream = new AbortController()
  request.signal.addEventListener('abort', () => upstream.abort(), { once: true })
  try {
    const answer = await fetch(apiUrl(`/events${after ? `?after=${encodeURIComponent(after)}` : ''}`), {
      headers: { ...doorHeaders(), 'x-auth-token': there.token, ...(last ? { 'last-event-id': last } : {}) },
      signal: upstream.signal,
      cache: 'no-store',
    })
    if (answer.status === 401) return await afterEnd(known, page, there)
    return new Response(answer.body, {
      status: answer.status,
      headers: {
        'content-type': answer.headers.get('content-type') ?? 'text/event-stream',
        // no-transform forbids compression, which would hold events back.
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      },
    })
  } catch {
    return refusal(503, 'unavailable', 'The control plane does not answer. We keep trying.')
  }
}
