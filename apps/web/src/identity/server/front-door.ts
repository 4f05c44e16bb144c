import { createHash, timingSafeEqual } from 'node:crypto'

export type HeaderReader = { get: (name: string) => string | null }

/** The header by which the front door (apps/api/src/gateway.ts) proves that a request came through it. */
export const proofHeader = 'x-stratolith-door'

/**
 * Tells whether a request came through the front door. The portal listens on loopback, where every user of the machine
 * may call, so only the front door is believed when it describes the browser.
 */
export function fromFrontDoor(headers: HeaderReader): boolean {
  const expected = process.env.STRATOLITH_FRONT_SECRET
  const given = headers.get(proofHeader)
  if (!expected || given === null) return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/**
 * The browser's address, of which the front door sends exactly one. Undefined for a caller who bypasses the front door:
 * the API then counts the portal's own address, which is the caller's, too (loopback).
 */
export function sourceOf(headers: HeaderReader): string | undefined {
  if (!fromFrontDoor(headers)) return undefined
  return headers.get('x-forwarded-for')?.split(',')[0]?.trim() || undefined
}

/** The host name that the browser uses, as the front door reports it. */
export function publicHost(headers: HeaderReader): string {
  const said = fromFrontDoor(headers) ? headers.get('x-forwarded-host') : null
  return said ?? headers.get('host') ?? ''
}

/** Tells whether the browser uses TLS, as the front door reports it. Cookies may require TLS only then. */
export const isTls = (headers: HeaderReader): boolean =>
  fromFrontDoor(headers) && headers.get('x-forwarded-proto') === 'https'

/** Tells whether the text is a host and port that make an address; other texts are an error of the caller. */
export const isHost = (text: string): boolean =>
  /^[\w.:[\]-]{1,255}$/.test(text) && URL.canParse(`http://${text}`)
