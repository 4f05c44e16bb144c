import { createHash } from 'node:crypto'
import type { SessionView } from '@stratolith/api/identity/contract'
import { decode, encode } from 'next-auth/jwt'
import { type HeaderReader, isTls } from './front-door.ts'

/** What the encrypted cookie holds. `token` is the API token; it never leaves the server side. */
export type PortalSession = {
  token: string
  session: SessionView
  /** The project that was chosen last: addresses without a project are of it. */
  project?: string
}
/** A day; the API's own token may end sooner, and then the session is over whatever the cookie says. */
export const maxAgeSeconds = 24 * 3600

type CookieReader = { get: (name: string) => { value: string } | undefined }

export function sessionSecret(): string {
  const secret = process.env.NEXTAUTH_SECRET
  if (!secret) throw new Error('NEXTAUTH_SECRET is not set; start with `npm start`, which makes one.')
  return secret
}

/**
 * Browsers share cookies among the ports of a host, so each cloud has names of its own: two clouds
 * on one machine do not sign each other's people out.
 */
export function cookieName(what: 'session' | 'csrf' | 'callback'): string {
  const cloud = createHash('sha256').update(sessionSecret()).digest('hex').slice(0, 8)
  return `stratolith.${cloud}.${what}`
}

export const cookieOptions = (headers: HeaderReader) => ({
  httpOnly: true,
  sameSite: 'lax' as const,
  path: '/',
  secure: isTls(headers),
})

/** The session of a request, or null when there is none that we made. */
export async function readSession(cookies: CookieReader): Promise<PortalSession | null> {
  const sealed = cookies.get(cookieName('session'))?.value
  if (!sealed) return null
  try {
    const payload = await decode({ token: sealed, secret: sessionSecret() })
    return isPortalSession(payload) ? portalSession(payload) : null
  } catch {
    // Sealed with another secret, cut off or too old: the same as no cookie.
    return null
  }
}

export const sealSession = (session: PortalSession): Promise<string> =>
  encode({ token: session, secret: sessionSecret(), maxAge: maxAgeSeconds })

const portalSession = ({ token, session, project }: PortalSession): PortalSession => ({
  token,
  session,
  ...(typeof project === 'string' ? { project } : {}),
})

function isPortalSession(value: unknown): value is PortalSession {
  return typeof value === 'object' && value !== null && 'token' in value && 'session' in value
}
