import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { invalidInput } from '../../kernel/errors.ts'

/** Codes of an authenticator app. Sources: RFC 6238 (TOTP), RFC 4226 (HOTP), RFC 4648 (base32). */

const stepSeconds = 30
const digits = 6
/** How many steps before and after the present step are accepted, because clocks differ and people type slowly. */
const tolerance = 1
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** A new seed of 160 bits, as RFC 4226 recommends, in base32. */
export const newSeed = (): string => toBase32(randomBytes(20))

function toBase32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('')
}

/** Decodes a base32 seed. Throws invalid_input for other texts and for fewer than 80 bits. */
export function readSeed(seed: string): Buffer {
  const clean = seed.replace(/[\s=]/g, '').toUpperCase()
  if (!/^[A-Z2-7]{16,256}$/.test(clean))
    throw invalidInput('The secret of an authenticator is base32 with 16 characters at least.', 'blob')
  const bits = [...clean].map((char) => alphabet.indexOf(char).toString(2).padStart(5, '0')).join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}

/** The number of the time step at a time in ms. */
export const stepAt = (ms: number): number => Math.floor(ms / 1000 / stepSeconds)

export function codeAt(seed: string, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', readSeed(seed)).update(counter).digest()
  const offset = (mac.at(-1) ?? 0) & 0x0f
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, '0')
}

/**
 * Returns the step of the code, or null when the code is of no step that is accepted now. Every candidate is compared
 * in full.
 */
export function stepOf(seed: string, code: string, now = Date.now()): number | null {
  const given = Buffer.from(code.padEnd(digits).slice(0, digits))
  let found: number | null = null
  for (let step = Math.max(0, stepAt(now) - tolerance); step <= stepAt(now) + tolerance; step++) {
    const equal = given.length === digits && timingSafeEqual(given, Buffer.from(codeAt(seed, step)))
    if (equal && code.length === digits) found = step
  }
  return found
}

/** The content of the QR code. Source: the "Key URI Format" that authenticator apps share. */
export function otpauthUri(seed: string, account: string, issuer: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`
  const query = new URLSearchParams({
    secret: seed,
    issuer,
    algorithm: 'SHA1',
    digits: String(digits),
    period: String(stepSeconds),
  })
  return `otpauth://totp/${label}?${query.toString().replaceAll('+', '%20')}`
}
