import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { CloudError } from '../kernel/errors.ts'

/**
 * How many sign-ins of one source may run at a time. The number is well below the queue of passwords.ts, so that no
 * source can fill that queue.
 */
const maxAtOnce = 30

/** Limits the sign-ins that a source has under way in this process; limits.ts counts those that failed. */
export class SourceThrottle {
  readonly #underWay = new Map<string, number>()

  /** Runs one attempt of the source; throws when the source has too many attempts under way. */
  async attempt<T>(source: string, work: () => Promise<T>): Promise<T> {
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

  get size(): number {
    return this.#underWay.size
  }
}

/** The key of a source. An IPv6 caller owns a whole /64, so the /64 counts as one source. */
export function sourceKey(source: string): string {
  if (!isIPv6(source) || source.startsWith('::ffff:')) return source.slice(0, 64)
  const [head = '', tail] = source.split('::', 2)
  const left = head.split(':').filter(Boolean)
  const right = (tail ?? '').split(':').filter(Boolean)
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`
}

/** The digest of a source that the user's row stores: enough to recognise the source, but not to read it. */
export const sourceDigest = (userId: string, source: string): string =>
  createHash('sha256')
    .update(`${userId} ${sourceKey(source)}`)
    .digest('hex')
    .slice(0, 16)
