import { Prisma } from '@stratolith/db'
import type { Db } from './context.ts'

export type EventRow = {
  id: bigint
  epoch: number
  xid: bigint
  at: Date
  kind: string
  projectId: string | null
  public: boolean
  resourceKind: string
  resourceId: string
  operationId: string | null
  data: Record<string, unknown>
}

/**
 * A position in the event log. Ids are given out before commit, so a reader that remembers only the highest
 * id would miss a transaction that commits late. We therefore order by (epoch, transaction, id) and read
 * only settled events, so that no event can appear before a cursor. prisma/triggers.sql explains epochs.
 */
export type Cursor = { epoch: number; xid: bigint; id: bigint }
const beginning: Cursor = { epoch: 0, xid: 0n, id: 0n }

export const cursorText = ({ epoch, xid, id }: Cursor): string => `${epoch}.${xid}.${id}`

/** Parses a cursor; null for any other text (also for cursors of earlier versions, which had no epoch). */
export function parseCursor(text: string): Cursor | null {
  const match = /^(\d{1,9})\.(\d{1,18})\.(\d{1,18})$/.exec(text)
  return match && { epoch: Number(match[1]), xid: BigInt(match[2] ?? 0), id: BigInt(match[3] ?? 0) }
}

export function isAfter(row: Cursor, seen: Cursor): boolean {
  if (row.epoch !== seen.epoch) return row.epoch > seen.epoch
  return row.xid > seen.xid || (row.xid === seen.xid && row.id > seen.id)
}

/**
 * True when the event exists that the cursor names. Otherwise the event was undone by a restore or is
 * older than what is kept (kernel/retention.ts), and the events after it are not known.
 */
export async function isThere(db: Db, cursor: Cursor): Promise<boolean> {
  if (!isAfter(cursor, beginning)) return true
  const rows = await db.$queryRaw<unknown[]>`SELECT 1 FROM "Event"
    WHERE "id" = ${cursor.id} AND "epoch" = ${cursor.epoch} AND "xid" = ${cursor.xid}`
  return rows.length > 0
}

/** True when more than `most` events come after the cursor. */
export async function isFarBehind(db: Db, cursor: Cursor, most: number): Promise<boolean> {
  const rows = await db.$queryRaw<unknown[]>`SELECT 1 FROM "Event"
    WHERE ("epoch", "xid", "id") > (${cursor.epoch}::int, ${cursor.xid}, ${cursor.id})
    ORDER BY "epoch", "xid", "id" OFFSET ${most} LIMIT 1`
  return rows.length > 0
}

/** Begins an epoch when the last epoch belongs to another PostgreSQL or to an earlier life of this one; otherwise does nothing. */
export async function beginEventEpoch(db: Db): Promise<void> {
  await db.$queryRaw`SELECT stratolith_begin_event_epoch()`
}

/** The condition for settled events: of an older epoch, or of a transaction before the oldest that still runs. */
const settled = Prisma.sql`("epoch" < (SELECT max("number") FROM "EventEpoch")
  OR "xid" < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint)`

/**
 * The oldest running transaction, without those that are known to work in other databases of this server, which
 * append nothing here. This is sound, because the processes are looked up after the snapshot: a process that
 * still has such a transaction had it all the time, and a process works in only one database.
 */
export const oldestHere = Prisma.sql`COALESCE(
  (SELECT min(x::text::bigint) FROM pg_snapshot_xip(pg_current_snapshot()) x
    WHERE NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.backend_xid::text::bigint = x::text::bigint % 4294967296
        AND a.datid <> (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND NOT EXISTS (SELECT FROM pg_prepared_xacts p WHERE p.transaction::text::bigint = x::text::bigint % 4294967296
        AND p.database <> current_database())),
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint)`
const settledHere = Prisma.sql`("epoch" < (SELECT max("number") FROM "EventEpoch")
  OR "xid" < (SELECT ${oldestHere}))`

/** The position from which a reader begins who wants only later events. */
export async function headCursor(db: Db): Promise<Cursor> {
  const rows = await db.$queryRaw<Cursor[]>`SELECT "epoch", "xid", "id" FROM "Event"
    WHERE ${settled} ORDER BY "epoch" DESC, "xid" DESC, "id" DESC LIMIT 1`
  return rows[0] ?? beginning
}

/** Reads settled events after a cursor. `hidden`: there are later events that are not settled yet. */
export async function readAfter(
  db: Db,
  cursor: Cursor,
  limit: number,
): Promise<{ rows: EventRow[]; hidden: boolean }> {
  const near = await read(db, cursor, limit, settled)
  // The more expensive query runs only when the cheap one finds nothing but hidden events.
  return near.hidden && near.rows.length === 0 ? read(db, cursor, limit, settledHere) : near
}

async function read(db: Db, cursor: Cursor, limit: number, isSettled: Prisma.Sql) {
  const all = await db.$queryRaw<(EventRow & { settled: boolean })[]>`
    SELECT "id", "epoch", "xid", "at", "kind", "projectId", "public", "resourceKind", "resourceId", "operationId", "data",
           ${isSettled} AS "settled"
    FROM "Event" WHERE ("epoch", "xid", "id") > (${cursor.epoch}::int, ${cursor.xid}, ${cursor.id})
    ORDER BY "epoch", "xid", "id" LIMIT ${limit}`
  const rows = all.filter((row) => row.settled)
  return { rows, hidden: rows.length < all.length }
}
