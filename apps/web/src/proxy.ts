import { type NextRequest, NextResponse } from 'next/server'
import { isHost, isTls, proofHeader, publicHost } from './identity/server/front-door.ts'
import { type PortalSession, readSession } from './identity/server/session-cookie.ts'
import { cloudPlace, paths, placed, placeIn, unplaced } from './kit/paths.ts'
import { reachesBeyond } from './kit/place.ts'

/**
 * Pages only: route handlers check for themselves, and a proxy in front of an upload would hold it. The name of a file
 * stands here whole: what only begins with it is a page.
 */
export const config = { matcher: ['/((?!api/|_next/|icon\\.svg$).*)'] }

/** Sends strangers to the sign-in page, and addresses without a place to the right one; gives every page its Content-Security-Policy. */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const { pathname, search } = request.nextUrl
  const host = publicHost(request.headers)
  if (!isHost(host))
    return new NextResponse('The Host header is not a host name. Open the portal by its address.\n', {
      status: 400,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    })
  const policy = contentSecurityPolicy(crypto.randomUUID().replaceAll('-', ''), host)
  // Pages without a place need no session: a console's link carries a right of its own.
  if (!unplaced.has(pathname)) {
    const origin = `${isTls(request.headers) ? 'https' : 'http'}://${host}`
    const known = await readSession(request.cookies)
    if (!known) {
      const target = new URL(paths.signIn, origin)
      if (pathname !== paths.overview || search) target.searchParams.set('from', pathname + search)
      return NextResponse.redirect(target)
    }
    if (placeIn(pathname) === null) return NextResponse.redirect(placedFor(known, pathname + search, origin))
  }
  const headers = new Headers(request.headers)
  headers.delete(proofHeader)
  headers.set('content-security-policy', policy.text)
  headers.set('x-nonce', policy.nonce)
  headers.set('x-portal-path', pathname + search)
  const response = NextResponse.next({ request: { headers } })
  response.headers.set('content-security-policy', policy.text)
  return response
}

/** An address of before the place was part of it, or one that somebody has typed. */
function placedFor({ session, project }: PortalSession, path: string, origin: string): URL {
  const beyond = reachesBeyond(session)
  const home = project ?? session.project?.id ?? null
  const at = beyond || home === null ? cloudPlace : home
  return new URL(placed({ at, beyond, home }, path), origin)
}

/** Scripts only by nonce; frames nowhere; WebSockets only to the host that served the page. */
function contentSecurityPolicy(nonce: string, host: string): { nonce: string; text: string } {
  const dev = process.env.NODE_ENV === 'development'
  const text = [
    `default-src 'self'`,
    // Turbopack evaluates changed modules; only in development.
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${dev ? " 'unsafe-eval'" : ''}`,
    // Mantine and xterm size things by style attributes.
    `style-src 'self' 'unsafe-inline'`,
    `img-src 'self' data: blob:`,
    `font-src 'self'`,
    `connect-src 'self' ws://${host} wss://${host}`,
    `worker-src 'self' blob:`,
    `object-src 'none'`,
    `base-uri 'none'`,
    `form-action 'self'`,
    `frame-ancestors 'none'`,
  ].join('; ')
  return { nonce, text }
}
