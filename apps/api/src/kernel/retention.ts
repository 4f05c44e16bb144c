import { setTimeout as sleep } from 'node:timers/promises'
import { Prisma } from '@stratolith/db'
import type { Config } from './config.ts'
import type { Ctx } from './context.ts'

/** Rows of a table that grows with the age of the cloud, which are kept for a limited time. */
export type Kept = {
  /** The name in the log, such as "events". */
  name: string
  /** How long rows are kept, from the settings. */
  days: (config: Config) => number
  table: string
  /** The column with the time from which a row's age counts. It must have an index, by which batches are found. */
  column: string
  /** A further condition of the rows to delete. */
  only?: Prisma.Sql
}

const kept: Kept[] = []
/** Registers the entries of a room's room.ts, one for each of its tables. */
export const keepFor = (...these: Kept[]): void => void kept.push(...these)

/** The entries of the kernel's own tables; the room `operations`, which shows them, has them in its manifest. */
export const kernelKept: readonly Kept[] = [
  { name: 'events', days: (config) => config.keep.eventsDays, table: 'Event', column: 'at' },
  // Steps are deleted with their operations. An operation that is not over has no finishedAt and so stays.
  {
    name: 'operations',
    days: (config) => config.keep.operationsDays,
    table: 'Operation',
    column: 'finishedAt',
    only: Prisma.sql`"state" IN ('succeeded', 'failed')`,
  },
  // When a host comes back later and still has the thing, the thing is a stray there and is shown.
  {
    name: 'tombstones',
    days: (config) => config.keep.operationsDays,
    table: 'Tombstone',
    column: 'deletedAt',
  },
]

/** A batch takes milliseconds, and between two batches other statements get their turn. */
const batch = { rows: 1_000, pauseMs: 50 }
/** How long one round lasts at most, in ms; the next round continues it. */
const roundMs = 5 * 60_000

/** Deletes rows that are older than they are kept, in small batches and by the database's clock. */
export async function dropOld(ctx: Ctx): Promise<void> {
  const end = performance.now() + roundMs
  for (const one of kept) {
    const count = await inBatches(end, () => dropRows(ctx, one))
    if (count > 0) ctx.log.info({ what: one.name, count }, 'old rows are gone')
  }
}

/** Deletes a batch; rows that another transaction has locked are left to the next round. */
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
