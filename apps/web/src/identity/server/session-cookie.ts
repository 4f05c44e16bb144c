import { createHash } from 'node:crypto'
import type { SessionView } from '@stratolith/api/identity/contract'
import { decode, encode } from 'next-auth/jwt'
import { type HeaderReader, isTls } from './front-door.ts'

/** The content of the encrypted cookie. */
export type PortalSession = {
  /**
   * The anchor: the token of the sign-in itself, which is for no place, so that the loss of a project or role does not
   * end it. The tokens for places are made from it (places.ts). It never leaves the server.
   */
  token: string
  /** The session at the place that pages of the cloud use, as it was when this place was chosen. */
  session: SessionView
  /** The project that was chosen last, which addresses without a project are about. */
  project?: string
}
/** One day. The API's token may end sooner, and then the session has ended whatever the cookie says. */
export const maxAgeSeconds = 24 * 3600

type CookieReader = { get: (name: string) => { value: string } | undefined }

export function sessionSecret(): string {
  const secret = process.env.NEXTAUTH_SECRET
  if (!secret) throw new Error('NEXTAUTH_SECRET is not set; start with `npm start`, which makes one.')
  return secret
}

/**
 * Browsers share cookies among the ports of a host, so the names differ by cloud: signing in to one cloud on a machine
 * does not sign users of another cloud out.
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

/** The session of a request, or null when the request has no cookie that this portal has made. */
export async function readSession(cookies: CookieReader): Promise<PortalSession | null> {
  const sealed = cookies.get(cookieName('session'))?.value
  if (!sealed) return null
  try {
    const payload = await decode({ token: sealed, secret: sessionSecret() })
    return isPortalSession(payload) ? portalSession(payload) : null
  } catch {
    // The cookie was sealed with another secret, cut off or too old, which counts as no cookie.
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
