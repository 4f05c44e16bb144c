import type { Logger } from 'pino'
import type { OpenRecord } from './open-records.ts'
import { allServers } from './volume-server.ts'

export type Look = {
  pool: string
  records: OpenRecord[]
  /** The folders of all servers that run on this machine. */
  running: ReadonlyMap<string, number>
  /** How many looks there were at this pool before. */
  before: number
}

/**
 * Looks at the volumes that guests have, pool by pool, again and again. A pool that answers slowly, or not at all, holds up no
 * other one: guests wait five minutes for a server that has ended, and then their disks fail.
 */
export function watchPools({
  everyMs,
  records,
  log,
  look,
}: {
  everyMs: number
  records: () => Promise<OpenRecord[]>
  log: Logger
  look: (one: Look) => Promise<void>
}): { close(): Promise<void> } {
  const underWay = new Map<string, Promise<void>>()
  const counts = new Map<string, number>()
  let asking: Promise<void> | null = null

  async function ask(): Promise<void> {
    const known = (await records()).filter(({ key }) => !underWay.has(key.pool.id))
    if (known.length === 0) return
    const running = await allServers()
    for (const [pool, own] of Map.groupBy(known, ({ key }) => key.pool.id)) {
      const before = counts.get(pool) ?? 0
      counts.set(pool, before + 1)
      const done = look({ pool, records: own, running, before })
        .catch((err: unknown) => log.error({ err, pool }, 'the volumes of a pool cannot be looked at'))
        .finally(() => underWay.delete(pool))
      underWay.set(pool, done)
    }
  }
  const timer = setInterval(() => {
    asking ??= ask()
      .catch((err: unknown) => log.error({ err }, 'the volumes that guests have cannot be read'))
      .finally(() => {
        asking = null
      })
  }, everyMs)
  timer.unref()
  return {
    async close() {
      clearInterval(timer)
      await asking
      await Promise.all(underWay.values())
    },
  }
}
