import { createHash } from 'node:crypto'
import type { PrismaClient } from '@stratolith/db'
import { RateLimiterPrisma } from 'rate-limiter-flexible'
import type { Deps } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { sourceKey } from './throttle.ts'

/**
 * Failed sign-ins, counted in PostgreSQL so that every api process sees the same (decision 13). Three
 * counts, so that one address locks out nobody but itself:
 * - an address for one user: after STRATOLITH_LOCKOUT_FAILURES it waits, longer with each failure;
 * - an address for all users: so many a minute, against one password tried on everybody;
 * - a user from all addresses: when five of them have failed as often as one may, addresses that have
 *   never signed in to this account wait.
 */

/** Failures that one source may make in a minute. */
const sourceFailures = 60
const sourceWindowSeconds = 60
/** Failures for a user are forgotten after this. */
const memorySeconds = 3600
/** How long is waited after too many failures. */
const firstWaitSeconds = 15
const longestWaitSeconds = 300
const sourcesBeforeAllWait = 5

/** Who is tried, as far as the counts know: the same user with another password is somebody else. */
export type Subject = string
export function subjectOf(user: { id: string; passwordChangedAt: Date | null } | null, who: object): Subject {
  const text = user ? `${user.id} ${user.passwordChangedAt?.getTime() ?? 0}` : JSON.stringify(who)
  return createHash('sha256').update(text).digest('base64url')
}

export type Tried = { failed: boolean; waits: boolean }

class SignInLimits {
  readonly #free: number
  readonly #source: RateLimiterPrisma
  readonly #tries: RateLimiterPrisma
  readonly #waits: RateLimiterPrisma
  readonly #everywhere: RateLimiterPrisma

  constructor(db: PrismaClient, free: number) {
    // The worker drops old rows (dropOldLimits); the client counts in the table SignInLimit.
    const limit = (keyPrefix: string, points: number, duration: number) =>
      new RateLimiterPrisma({
        storeClient: db,
        tableName: 'signInLimit',
        clearExpiredByTimeout: false,
        keyPrefix,
        points,
        duration,
      })
    this.#free = free
    this.#source = limit('source', sourceFailures, sourceWindowSeconds)
    this.#tries = limit('tries', free, memorySeconds)
    this.#waits = limit('waits', 1, longestWaitSeconds)
    this.#everywhere = limit('everywhere', free * sourcesBeforeAllWait, memorySeconds)
  }

  /** Throws when the source has failed too often of late, whomever it tried. */
  async demandFree(source: string): Promise<void> {
    const count = await this.#source.get(sourceKey(source))
    if (count === null || count.consumedPoints < sourceFailures) return
    throw new CloudError(
      'unavailable',
      'Too many failed sign-ins from your address. Wait a minute and try again.',
      { retryAfterSeconds: Math.ceil(count.msBeforeNext / 1000) },
    )
  }

  async sourceFailed(source: string): Promise<void> {
    await this.#source.penalty(sourceKey(source))
  }

  /** What the source did to the user before. */
  async tried(subject: Subject, source: string): Promise<Tried> {
    const key = pairKey(subject, source)
    const [tries, waits] = await Promise.all([this.#tries.get(key), this.#waits.get(key)])
    return { failed: tries !== null, waits: waits !== null }
  }

  /**
   * Counts a failure of the source for the user. Answers how many seconds sources that are new to
   * this user must wait now; 0 mostly. Each source counts there as often only as one may fail.
   */
  async failed(subject: Subject, source: string, known: boolean): Promise<number> {
    const key = pairKey(subject, source)
    const { consumedPoints } = await this.#tries.penalty(key)
    const wait = waitSeconds(consumedPoints - this.#free)
    if (wait > 0) await this.#waits.block(key, wait)
    if (known || consumedPoints > this.#free) return 0
    const all = await this.#everywhere.penalty(subject)
    return waitSeconds(all.consumedPoints - this.#free * sourcesBeforeAllWait)
  }

  async forget(subject: Subject, source: string): Promise<void> {
    const key = pairKey(subject, source)
    await Promise.all([this.#tries.delete(key), this.#waits.delete(key)])
  }
}

const pairKey = (subject: Subject, source: string) => `${subject} ${sourceKey(source)}`
const waitSeconds = (over: number) =>
  over < 0 ? 0 : Math.min(firstWaitSeconds * 2 ** Math.min(over, 10), longestWaitSeconds)

const made = new WeakMap<PrismaClient, SignInLimits>()
export function signInLimits({ root, config }: Deps): SignInLimits {
  const limits = made.get(root) ?? new SignInLimits(root, config.passwordRules.lockoutFailures)
  made.set(root, limits)
  return limits
}

/** Rows that have run out count for nothing; this only keeps the table small. */
export async function dropOldLimits({ root }: Deps): Promise<void> {
  await root.$executeRaw`DELETE FROM "SignInLimit" WHERE "key" IN (
    SELECT "key" FROM "SignInLimit" WHERE "expire" < clock_timestamp() LIMIT 10000)`
}
