import { Prisma } from '@stratolith/db'
import type { Ctx, Db } from './context.ts'
import type { HeldBackView } from './contract.ts'
import { appendEventsWith } from './events.ts'

/** A transaction of this age is not ours, because ours end within seconds. */
const tooLongMs = 30_000

type Holder = HeldBackView & { xid: bigint }

/** The oldest open transaction that has written to this database, when it is older than `olderThanMs`; otherwise null. */
export async function heldBack(db: Db, olderThanMs = tooLongMs): Promise<Holder | null> {
  const rows = await db.$queryRaw<
    { xid: bigint; pid: number | null; application: string; userName: string; since: Date }[]
  >`
    SELECT * FROM (
      SELECT backend_xid::text::bigint AS "xid", pid, coalesce(application_name, '') AS "application",
        coalesce(usename::text, '') AS "userName", xact_start AS "since"
      FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()
      UNION ALL
      SELECT transaction::text::bigint, NULL, gid, owner::text, prepared FROM pg_prepared_xacts
      WHERE database = current_database()) x
    WHERE "since" < clock_timestamp() - ${olderThanMs} * interval '1 ms' ORDER BY "since" LIMIT 1`
  const row = rows[0]
  return row ? { ...row, since: row.since.toISOString() } : null
}

/**
 * Tells administrators of the transaction, once however many processes notice it. The audit log tells them, because
 * the transaction holds back the live stream.
 */
export async function noteHeldBack(ctx: Ctx, { xid, ...who }: Holder): Promise<void> {
  const event = {
    kind: 'transaction.delaysEvents',
    projectId: null,
    resourceKind: 'transaction',
    resourceId: String(xid),
    data: { name: who.application, ...who },
  }
  const first = Prisma.sql`first AS (SELECT FROM "Event" WHERE "resourceKind" = 'transaction'
    AND "resourceId" = ${String(xid)} HAVING count(*) = 0)`
  const told = await appendEventsWith(ctx, [event], [first], 'first')
  if (told) ctx.log.warn({ ...who }, 'a transaction that does not end delays the event log')
}
