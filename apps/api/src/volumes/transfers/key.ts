import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * The key of a transfer has 128 random bits in letters that everybody can type, so that guessing is hopeless at any
 * rate and a salted SHA-256 keeps it as well as a slow hash would.
 */
export const newKey = (): string => randomBytes(16).toString('hex')

const saltBytes = 16
const digest = (salt: string, key: string): string =>
  createHash('sha256').update(`${salt} ${key}`).digest('hex')

export function hashOfKey(key: string): string {
  const salt = randomBytes(saltBytes).toString('hex')
  return `sha256:${salt}:${digest(salt, key)}`
}

/** Tells whether the key belongs to the hash. For null, as for an unknown transfer, the same work is done. */
export function isKeyOf(hash: string | null, key: string): boolean {
  const [, salt = '', wanted = ''] = (hash ?? nobody).split(':')
  const [given, own] = [Buffer.from(digest(salt, key)), Buffer.from(wanted)]
  return given.length === own.length && timingSafeEqual(given, own) && hash !== null
}
const nobody = hashOfKey(newKey())
