import { createHmac } from 'node:crypto'

const stepSeconds = 30

/** The code that an authenticator app shows for a base32 seed (RFC 6238: SHA-1, six digits, 30 s). */
export function totp(seed: string, at = Date.now()): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 1000 / stepSeconds)))
  const digest = createHmac('sha1', base32(seed)).update(counter).digest()
  const offset = (digest.at(-1) ?? 0) & 15
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** Waits until the app would show another code, because each code counts only once. */
export const nextCode = (): Promise<void> =>
  new Promise((resolve) =>
    setTimeout(resolve, stepSeconds * 1000 - (Date.now() % (stepSeconds * 1000)) + 500),
  )

function base32(text: string): Buffer {
  const bits = [...text.replaceAll(/[=\s]/g, '').toUpperCase()]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [])
}
