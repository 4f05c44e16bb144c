import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { CloudError } from '../kernel/errors.ts'

/** Sign-ins of one source under way at a time, well below what passwords.ts lets wait: no one fills it. */
const maxAtOnce = 30

/** What one source does at once in this process; what it failed is counted in limits.ts. */
export class SourceThrottle {
  readonly #underWay = new Map<string, number>()

  /** Runs one attempt of the source; throws when it has too many under way. */
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

/** An IPv6 caller owns a whole /64, so that counts as one source. */
export function sourceKey(source: string): string {
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
