import { createHash, timingSafeEqual } from 'node:crypto'

export type HeaderReader = { get: (name: string) => string | null }

/** By this header the front door (apps/api/src/gateway.ts) proves that a request came through it. */
export const proofHeader = 'x-stratolith-door'

/**
 * We listen on loopback, where every user of the machine may call. What a request says of the browser
 * behind it is believed of the front door alone.
 */
export function fromFrontDoor(headers: HeaderReader): boolean {
  const expected = process.env.STRATOLITH_FRONT_SECRET
  const given = headers.get(proofHeader)
  if (!expected || given === null) return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/**
 * The browser's address; the front door puts exactly one there. Undefined for whoever comes past the
 * front door: then our own address counts, which is the one that he has, too (loopback).
 */
export function sourceOf(headers: HeaderReader): string | undefined {
  if (!fromFrontDoor(headers)) return undefined
  return headers.get('x-forwarded-for')?.split(',')[0]?.trim() || undefined
}

/** The name under which the browser sees us, as the front door says. */
export function publicHost(headers: HeaderReader): string {
  const said = fromFrontDoor(headers) ? headers.get('x-forwarded-host') : null
  return said ?? headers.get('host') ?? ''
}

/** Only over TLS may a cookie demand TLS; the front door tells which it was. */
export const isTls = (headers: HeaderReader): boolean =>
  fromFrontDoor(headers) && headers.get('x-forwarded-proto') === 'https'

/** A host and port of which an address can be made: everything else is a mistake of the caller. */
export const isHost = (text: string): boolean =>
  /^[\w.:[\]-]{1,255}$/.test(text) && URL.canParse(`http://${text}`)
