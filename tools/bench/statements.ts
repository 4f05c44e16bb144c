import pg from 'pg'

export type Statements = { all: number; transactions: number; cpuMs: number }

/**
 * Counts the statements that this process sends to PostgreSQL from now on, also those of Prisma, the queue and
 * the event listener, because all use this `pg`. BEGIN and COMMIT count as statements, too. A
 * sample of the texts can be listed by frequency, to find their origin.
 */
export function countStatements(): { read(): Statements; texts(): [string, number][] } {
  const counts = { all: 0, transactions: 0 }
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
    read: () => ({ ...counts, cpuMs: cpuMs() }),
    texts: () => [...texts].sort((a, b) => b[1] - a[1]),
  }
}

/** Lists the most frequent statements on stderr if BENCH_STATEMENTS is set. */
export function listStatements(who: string, counter: ReturnType<typeof countStatements>): void {
  if (!process.env.BENCH_STATEMENTS) return
  for (const [text, count] of counter.texts().slice(0, 40))
    console.error(`${who}\t${count}\t${text.replaceAll(/\s+/g, ' ').slice(0, 200)}`)
}

/** The processor time of this process so far, in ms, which measures work also on a busy machine. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

export const since = (from: Statements, to: Statements): Statements => ({
  all: to.all - from.all,
  transactions: to.transactions - from.transactions,
  cpuMs: to.cpuMs - from.cpuMs,
})
