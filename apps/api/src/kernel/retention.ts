import { setTimeout as sleep } from 'node:timers/promises'
import { Prisma } from '@stratolith/db'
import type { Config } from './config.ts'
import type { Ctx } from './context.ts'

/** What grows with the age of the cloud and is kept for a time only. */
export type Kept = {
  /** "events" */
  name: string
  /** How long; from the settings. */
  days: (config: Config) => number
  table: string
  /** The column that says how old a row is. It has an index: batches are found by it. */
  column: string
  /** Only rows of which this holds too. */
  only?: Prisma.Sql
}

const kept: Kept[] = []
/** Rooms say theirs in room.ts, an entry for each of their tables. */
export const keepFor = (...these: Kept[]): void => void kept.push(...these)

/** The kernel's own tables; the room that shows them (operations) has them in its manifest. */
export const kernelKept: readonly Kept[] = [
  { name: 'events', days: (config) => config.keep.eventsDays, table: 'Event', column: 'at' },
  // Their steps go with them. What is not over has no end.
  {
    name: 'operations',
    days: (config) => config.keep.operationsDays,
    table: 'Operation',
    column: 'finishedAt',
    only: Prisma.sql`"state" IN ('succeeded', 'failed')`,
  },
  // What a host that comes back later still has of it is unknown there, and shown.
  {
    name: 'tombstones',
    days: (config) => config.keep.operationsDays,
    table: 'Tombstone',
    column: 'deletedAt',
  },
]

/** A batch is over in milliseconds; between two, others have their turn. */
const batch = { rows: 1_000, pauseMs: 50 }
/** A first round in an old cloud goes on in the next one. */
const roundMs = 5 * 60_000

/** Deletes what is older than it is kept, in small batches; by the database's clock, whatever this machine's says. */
export async function dropOld(ctx: Ctx): Promise<void> {
  const end = performance.now() + roundMs
  for (const one of kept) {
    const count = await inBatches(end, () => dropRows(ctx, one))
    if (count > 0) ctx.log.info({ what: one.name, count }, 'old rows are gone')
  }
}

/** Those that somebody works on wait for the next round. */
async function dropRows(ctx: Ctx, { table, column, only, days }: Kept): Promise<number> {
  const [name, age] = [Prisma.raw(`"${table}"`), Prisma.raw(`"${column}"`)]
  return ctx.db.$executeRaw`DELETE FROM ${name} WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM ${name} WHERE ${age} < now() - ${days(ctx.deps.config)} * interval '1 day' ${only ? Prisma.sql`AND ${only}` : Prisma.empty}
    ORDER BY ${age} LIMIT ${batch.rows} FOR UPDATE SKIP LOCKED))`
}

async function inBatches(end: number, drop: () => Promise<number>): Promise<number> {
  let count = 0
  for (;;) {
    const dropped = await drop()
    count += dropped
    if (dropped < batch.rows || performance.now() > end) return count
    await sleep(batch.pauseMs)
  }
}
