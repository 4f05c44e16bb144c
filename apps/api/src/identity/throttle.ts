import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { CloudError } from '../kernel/errors.ts'

/** Failures that one source may make in a window before it must wait. */
const maxFailures = 60
const windowMs = 60_000
/** Sign-ins of one source under way at a time, well below what passwords.ts lets wait: no one fills it. */
const maxAtOnce = 30
/** Sources remembered at a time; the one seen longest ago is forgotten first (A22.6). */
const maxSources = 10_000

/** Counts failed sign-ins per source in bounded memory. `now` in ms. */
export class SourceThrottle {
  readonly #sources = new Map<string, { failures: number; since: number }>()
  readonly #underWay = new Map<string, number>()

  /** Runs one attempt of the source; throws when it has too many under way or has failed too often. */
  async attempt<T>(source: string, work: () => Promise<T>): Promise<T> {
    this.check(source)
    const key = sourceKey(source)
    const others = this.#underWay.get(key) ?? 0
    if (others >= maxAtOnce)
      throw new CloudError(
        'unavailable',
        'Too many sign-ins at once from your address. Try again in a moment.',
      )
    this.#underWay.set(key, others + 1)
    try {
      return await work()
    } finally {
      const left = (this.#underWay.get(key) ?? 1) - 1
      if (left > 0) this.#underWay.set(key, left)
      else this.#underWay.delete(key)
    }
  }

  /** Throws when the source has failed too often within the window. */
  check(source: string, now = Date.now()): void {
    const seen = this.#sources.get(sourceKey(source))
    if (seen && now - seen.since < windowMs && seen.failures >= maxFailures)
      throw new CloudError(
        'unavailable',
        'Too many failed sign-ins from your address. Wait a minute and try again.',
      )
  }
  failed(source: string, now = Date.now()): void {
    const key = sourceKey(source)
    const seen = this.#sources.get(key)
    const current = seen && now - seen.since < windowMs ? seen : { failures: 0, since: now }
    current.failures += 1
    this.#sources.delete(key)
    this.#sources.set(key, current)
    const oldest = this.#sources.keys().next().value
    if (this.#sources.size > maxSources && oldest !== undefined) this.#sources.delete(oldest)
  }
  get size(): number {
    return this.#sources.size + this.#underWay.size
  }
}

/** An IPv6 caller owns a whole /64, so that counts as one source. */
function sourceKey(source: string): string {
  if (!isIPv6(source) || source.startsWith('::ffff:')) return source.slice(0, 64)
  const [head = '', tail] = source.split('::', 2)
  const left = head.split(':').filter(Boolean)
  const right = (tail ?? '').split(':').filter(Boolean)
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`
}

/** What a user's row keeps of a source: enough to know it again, not to read it. */
export const sourceDigest = (userId: string, source: string): string =>
  createHash('sha256')
    .update(`${userId} ${sourceKey(source)}`)
    .digest('hex')
    .slice(0, 16)
