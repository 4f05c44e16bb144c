import pg from 'pg'

export type Statements = { all: number; transactions: number }

/**
 * Counts what this process sends to PostgreSQL from now on, whoever sends it (Prisma, the queue,
 * the event listener): all of them use this `pg`. BEGIN and COMMIT count as statements too. A
 * sample of the texts can be listed by frequency, to see where they come from.
 */
export function countStatements(): { read(): Statements; texts(): [string, number][] } {
  const counts: Statements = { all: 0, transactions: 0 }
  const texts = new Map<string, number>()
  const send = pg.Client.prototype.query
  pg.Client.prototype.query = function count(this: pg.Client, ...args: unknown[]) {
    const [query] = args
    const text = typeof query === 'string' ? query : ((query as { text?: string } | undefined)?.text ?? '')
    counts.all++
    if (/^\s*begin/i.test(text)) counts.transactions++
    texts.set(text, (texts.get(text) ?? 0) + 1)
    return Reflect.apply(send, this, args)
  } as typeof send
  return {
    read: () => ({ ...counts }),
    texts: () => [...texts].sort((a, b) => b[1] - a[1]),
  }
}

export const since = (from: Statements, to: Statements): Statements => ({
  all: to.all - from.all,
  transactions: to.transactions - from.transactions,
})
