import http from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { cookies } from 'next/headers'
import { apiUrl, doorHeaders } from '../../../../../identity/server/api.ts'
import { afterEnd, sessionOrRefusal } from '../../../../../identity/server/forward.ts'
import { refusal, refuseForeign } from '../../../../../identity/server/origin.ts'
import { askedBy } from '../../../../../identity/server/places.ts'
import { readSession } from '../../../../../identity/server/session-cookie.ts'

/** Passes image bytes on as they come: nothing is buffered, and back pressure reaches the browser. */
export async function PUT(
  request: Request,
  { params }: { params: Promise<{ id: string }> },
): Promise<Response> {
  const refused = refuseForeign(request)
  if (refused) return refused
  const known = await readSession(await cookies())
  if (!known) return refusal(401, 'unauthenticated', 'Sign in first: there is no valid session.')
  const asked = askedBy(request.headers)
  const there = await sessionOrRefusal(known, asked)
  if (there instanceof Response) return there
  const { id } = await params
  if (!/^[0-9a-f-]{36}$/i.test(id)) return refusal(404, 'not_found', 'There is no such image.')
  const headers: http.OutgoingHttpHeaders = {
    ...doorHeaders(),
    'x-auth-token': there.token,
    'content-type': 'application/octet-stream',
  }
  for (const name of ['content-length', 'content-md5', 'x-image-sha256']) {
    const value = request.headers.get(name)
    if (value) headers[name] = value
  }
  const upstream = http.request(apiUrl(`/upload/images/${id}`), { method: 'PUT', headers })
  request.signal.addEventListener('abort', () => upstream.destroy(new Error('the browser left')), {
    once: true,
  })
  const answer = new Promise<Response>((resolve, reject) => {
    upstream.once('error', reject)
    upstream.once('response', (response) => {
      const body = Readable.toWeb(response) as unknown as BodyInit
      const type = response.headers['content-type'] ?? 'application/json'
      resolve(
        new Response(response.statusCode === 204 ? null : body, {
          status: response.statusCode,
          headers: { 'content-type': type },
        }),
      )
    })
  })
  const source = request.body
    ? Readable.fromWeb(request.body as unknown as ReadableStream)
    : Readable.from([])
  // The API may refuse early and close the request: then its answer counts, and not the broken connection.
  const sent = pipeline(source, upstream).catch(() => undefined)
  try {
    const given = await answer
    return given.status === 401 ? await afterEnd(known, asked, there) : given
  } catch (error) {
    await sent
    if (!request.signal.aborted) console.error('upload could not be passed on', error)
    return refusal(503, 'unavailable', 'The upload was cut off. Start it again.')
  }
}
