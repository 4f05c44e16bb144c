import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './generated/client.ts'

export { Prisma, PrismaClient } from './generated/client.ts'
export type * from './generated/models.ts'

/**
 * A connection is a process of PostgreSQL with some megabytes of its own, so those that a moment of much work has
 * opened end soon, and a few stay, which have planned their statements already.
 */
export const surplus = { min: 2, idleTimeoutMillis: 3_000 }

/**
 * Opens a pool of `connections` (default 10) to `url`. Close with `$disconnect()`. A transaction that
 * gets no connection within `maxWaitMs` is refused (P2028). When the other end of a connection does not answer
 * (its machine has lost power), the connection is given up after `answerMs` instead of a quarter of an hour.
 */
export function openDatabase(
  url: string,
  connections = 10,
  maxWaitMs = 10_000,
  answerMs = 60_000,
): PrismaClient {
  return new PrismaClient({
    adapter: new PrismaPg(
      {
        connectionString: url,
        max: connections,
        ...surplus,
        connectionTimeoutMillis: 3 * maxWaitMs,
        query_timeout: answerMs,
        keepAlive: true,
        keepAliveInitialDelayMillis: 10_000,
      },
      { statementNameGenerator: statementNames() },
    ),
    transactionOptions: { maxWait: maxWaitMs, timeout: 2 * maxWaitMs },
  })
}

/** How often this process must send a statement before it is prepared on its connection. */
const preparedFrom = 10
/** How many statements are prepared at most, because each takes memory in every connection. */
const preparedMost = 200

/**
 * Names the statements that come again and again, so that PostgreSQL parses and plans each of them once
 * per connection. A statement that is new or rare (lists of varying length, searches) stays unnamed ('').
 */
function statementNames(): (query: { sql: string }) => string {
  const seen = new Map<string, number>()
  const names = new Map<string, string>()
  return ({ sql }) => {
    const name = names.get(sql)
    if (name !== undefined || names.size >= preparedMost) return name ?? ''
    const times = (seen.get(sql) ?? 0) + 1
    if (times < preparedFrom) {
      if (seen.size > 2_000) seen.clear()
      seen.set(sql, times)
      return ''
    }
    seen.delete(sql)
    const fresh = `s${names.size}`
    names.set(sql, fresh)
    return fresh
  }
}
