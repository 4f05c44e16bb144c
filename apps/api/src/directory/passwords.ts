import argon2 from 'argon2'
import pLimit from 'p-limit'
import { CloudError, invalidInput } from '../kernel/errors.ts'

/** OWASP's first choice for argon2id: 19 MiB, 2 passes, 1 lane; about 25 ms on a small machine. */
const cost = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
const maxPasswordBytes = 1024

/**
 * argon2 runs in libuv's thread pool of four threads. Hashes use two of them, so that a flood of sign-ins does not stop
 * work with files and host names. Callers beyond `maxWaiting` are refused (A22.5).
 */
const maxRunning = 2
const maxWaiting = 100
const slots = pLimit(maxRunning)

async function withSlot<T>(work: () => Promise<T>): Promise<T> {
  if (slots.pendingCount >= maxWaiting)
    throw new CloudError('unavailable', 'Too many people sign in at this moment. Try again in a few seconds.')
  return slots(work)
}

/**
 * Tells whether a password is within the limit of UTF-8 bytes and has no lone surrogates, which would all hash alike.
 */
export function isPossiblePassword(password: string): boolean {
  return password.length > 0 && password.isWellFormed() && Buffer.byteLength(password) <= maxPasswordBytes
}

/** Hashes a new password; throws invalid_input for an empty password or one of more than 1,024 bytes. */
export async function hashPassword(password: string): Promise<string> {
  if (!isPossiblePassword(password))
    throw invalidInput('A password has 1 to 1024 bytes. Choose another one.', 'password')
  return withSlot(() => argon2.hash(password, cost))
}

/** The hash of random bytes that nobody keeps, so no password matches. */
let dummy: Promise<string> | null = null
const dummyHash = () => {
  dummy ??= argon2.hash(crypto.getRandomValues(Buffer.alloc(32)), cost)
  return dummy
}

/**
 * Tells whether the password belongs to the hash. For null (an unknown user, or a user without a password) and for an
 * impossible password, the same work is done on a dummy, so that the time tells nothing (A16.1).
 */
export async function verifyPassword(hash: string | null, password: string): Promise<boolean> {
  const possible = isPossiblePassword(password)
  const against = hash !== null && possible ? hash : await dummyHash()
  return withSlot(async () => {
    const equal = await argon2.verify(against, possible ? password : 'x')
    return equal && hash !== null && possible
  })
}

export const needsRehash = (hash: string): boolean => argon2.needsRehash(hash, cost)
