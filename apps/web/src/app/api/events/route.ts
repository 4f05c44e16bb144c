import { cookies } from 'next/headers'
import { apiUrl, doorHeaders } from '../../../identity/server/api.ts'
import { refusal } from '../../../identity/server/origin.ts'
import { readSession } from '../../../identity/server/session-cookie.ts'

/** The event stream of the session's project; ends upstream as soon as the browser leaves. */
export async function GET(request: Request): Promise<Response> {
  const known = await readSession(await cookies())
  if (!known) return refusal(401, 'unauthenticated', 'Sign in first: there is no valid session.')
  const after = new URL(request.url).searchParams.get('after')
  const last = request.headers.get('last-event-id')
  const upstream = new AbortController()
  request.signal.addEventListener('abort', () => upstream.abort(), { once: true })
  try {
    const answer = await fetch(apiUrl(`/events${after ? `?after=${encodeURIComponent(after)}` : ''}`), {
      headers: { ...doorHeaders(), 'x-auth-token': known.token, ...(last ? { 'last-event-id': last } : {}) },
      signal: upstream.signal,
      cache: 'no-store',
    })
    return new Response(answer.body, {
      status: answer.status,
      headers: {
        'content-type': answer.headers.get('content-type') ?? 'text/event-stream',
        // no-transform: compression would hold events back.
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      },
    })
  } catch {
    return refusal(503, 'unavailable', 'The control plane does not answer. We keep trying.')
  }
}
