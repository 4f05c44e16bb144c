import { createHash } from 'node:crypto'
import type { PrismaClient } from '@stratolith/db'
import type { RateLimiterPrisma } from 'rate-limiter-flexible'
import type { Deps } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { onDemand } from '../kernel/on-demand.ts'
import { sourceKey } from './throttle.ts'

/**
 * Failed sign-ins, counted in PostgreSQL so that every api process sees the same (decision 13). There are three counts,
 * so that an address locks out nobody but itself:
 * - One address and one user: after STRATOLITH_LOCKOUT_FAILURES failures the address waits, longer with each failure.
 * - One address and all users: so many failures a minute, against an attacker who tries one password on everybody.
 * - One user and all addresses: when five addresses have failed as often as they may, all addresses that have never
 *   signed in to this account wait.
 */

/** How many failures one source may make in a minute. */
const sourceFailures = 60
const sourceWindowSeconds = 60
/** Failures at a user are forgotten after this time. */
const memorySeconds = 3600
/** The wait after too many failures. */
const firstWaitSeconds = 15
const longestWaitSeconds = 300
const sourcesBeforeAllWait = 5

/** The account that a source tries. After a change of the password, the same user counts as another account. */
export type Subject = string
export function subjectOf(user: { id: string; passwordChangedAt: Date | null } | null, who: object): Subject {
  const text = user ? `${user.id} ${user.passwordChangedAt?.getTime() ?? 0}` : JSON.stringify(who)
  return createHash('sha256').update(text).digest('base64url')
}

export type Tried = { failed: boolean; waits: boolean }

const limiters = onDemand<typeof import('rate-limiter-flexible')>('rate-limiter-flexible')

class SignInLimits {
  readonly #free: number
  readonly #source: RateLimiterPrisma
  readonly #tries: RateLimiterPrisma
  readonly #waits: RateLimiterPrisma
  readonly #everywhere: RateLimiterPrisma

  constructor(db: PrismaClient, free: number) {
    // The client counts in the table SignInLimit; the worker deletes old rows (dropOldLimits).
    const limit = (keyPrefix: string, points: number, duration: number) =>
      new (limiters().RateLimiterPrisma)({
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

  /** Throws when the source has failed too often in the last minute, at any users. */
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

  /** Whether the source has failed at the user before, and whether it must wait. */
  async tried(subject: Subject, source: string): Promise<Tried> {
    const key = pairKey(subject, source)
    const [tries, waits] = await Promise.all([this.#tries.get(key), this.#waits.get(key)])
    return { failed: tries !== null, waits: waits !== null }
  }

  /**
   * Counts a failure of the source at the user. Returns how many seconds sources that are new to this user must wait
   * now, which is mostly 0. For this wait, each source counts only as often as it may fail.
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

/** Expired rows count for nothing; deleting them only keeps the table small. */
export async function dropOldLimits({ root }: Deps): Promise<void> {
  await root.$executeRaw`DELETE FROM "SignInLimit" WHERE "key" IN (
    SELECT "key" FROM "SignInLimit" WHERE "expire" < clock_timestamp() LIMIT 10000)`
}
