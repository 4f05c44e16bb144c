import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { HttpError } from '../../openstack/errors.ts'
import { percentEncoded as encode } from '../ec2/signature.ts'

/**
 * Signed requests of OAuth 1. Source: RFC 5849. Like Keystone, this accepts only HMAC-SHA1 in the Authorization header.
 */

export type OAuthRequest = {
  method: string
  /** With scheme, host and query, without a fragment. */
  url: string
  /** The decoded parameters of the Authorization header, the signature included. */
  parameters: ReadonlyMap<string, string>
}

/** For how many milliseconds a timestamp may be before or after now. Nonces are remembered for as long. */
export const toleranceMs = 15 * 60_000

/**
 * Reads the parameters of an Authorization header of scheme OAuth (section 3.5.1); null when there is no header or it
 * has another scheme. Throws a 400 for a header that cannot be read.
 */
export function readAuthorization(header: string | undefined): ReadonlyMap<string, string> | null {
  const [, rest] = /^OAuth\s+(.*)$/is.exec(header ?? '') ?? []
  if (rest === undefined) return null
  const parameters = new Map<string, string>()
  for (const part of rest.split(',')) {
    const [, name, value] = /^\s*([\w%.~-]{1,64})="([^"]{0,1024})"\s*$/.exec(part) ?? []
    if (name === undefined || value === undefined) throw unreadable()
    if (parameters.has(decoded(name))) throw unreadable()
    parameters.set(decoded(name), decoded(value))
  }
  return parameters
}

/** Tells whether the request is signed by these secrets, at about this time, and in the form that we accept. */
export function isSignedBy(
  request: OAuthRequest,
  secrets: { consumer: string; token: string },
  now = Date.now(),
): boolean {
  const { parameters } = request
  const version = parameters.get('oauth_version')
  if (parameters.get('oauth_signature_method') !== 'HMAC-SHA1') return false
  if (version !== undefined && version !== '1.0') return false
  const at = timestampOf(parameters)
  if (at === null || Math.abs(now - at) > toleranceMs || !parameters.get('oauth_nonce')) return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(sign(request, secrets)), digest(parameters.get('oauth_signature') ?? ''))
}

/** The timestamp in ms; null for a text that is not a whole number of seconds. */
export function timestampOf(parameters: OAuthRequest['parameters']): number | null {
  const text = parameters.get('oauth_timestamp') ?? ''
  return /^\d{1,12}$/.test(text) ? Number(text) * 1000 : null
}

/** The signature, base64 (section 3.4.2). */
export function sign(request: OAuthRequest, secrets: { consumer: string; token: string }): string {
  const key = `${encode(secrets.consumer)}&${encode(secrets.token)}`
  return createHmac('sha1', key).update(baseString(request)).digest('base64')
}

/** The text that is signed (section 3.4.1). */
export function baseString({ method, url, parameters }: OAuthRequest): string {
  const { protocol, host, pathname, searchParams } = new URL(url)
  const given = [...parameters].filter(([name]) => name !== 'realm' && name !== 'oauth_signature')
  const normalised = [...searchParams, ...given]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  return [method.toUpperCase(), `${protocol}//${host}${pathname}`, normalised].map(encode).join('&')
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
function decoded(text: string): string {
  try {
    const value = decodeURIComponent(text)
    if (/\0/.test(value)) throw unreadable()
    return value
  } catch (error) {
    throw error instanceof HttpError ? error : unreadable()
  }
}
const unreadable = () =>
  new HttpError(400, 'The Authorization header of OAuth cannot be read (RFC 5849, 3.5.1).')
