import { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { actorOf, appendEvent, insertEvents } from '../kernel/events.ts'
import { portEvents } from './ports/rows.ts'

/** What is shown of ports and floating IPs once their hosts have said what became of them. */

/** A floating IP is active while it is associated and its router has been applied. */
export async function settleFloatingIps(ctx: Ctx, routerId: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const rows = await tx.db.floatingIp.updateManyAndReturn({
      where: { routerId, portId: { not: null }, state: { not: 'active' } },
      data: { state: 'active' },
    })
    for (const row of rows)
      await appendEvent(tx, {
        kind: 'floatingIp.updated',
        projectId: row.projectId,
        resourceKind: 'floatingIp',
        resourceId: row.id,
      })
  })
}

export type PortState = {
  id: string
  state: 'active' | 'down' | 'error'
  errorMessage: string | null
  /** Only while a host has it: what a host says of a port that it has left is too late. */
  bound: boolean
}

/** Those that are otherwise, with their events: one statement. */
export async function setPortStates(ctx: Ctx, states: readonly PortState[]): Promise<void> {
  if (states.length === 0) return
  await ctx.db.$executeRaw`
    WITH otherwise AS (
      SELECT p."id", w."state", w."errorMessage" FROM jsonb_to_recordset(${JSON.stringify(states)}::jsonb)
        AS w ("id" uuid, "state" text, "errorMessage" text, "bound" boolean)
      JOIN "Port" p ON p."id" = w."id" AND (NOT w."bound" OR p."hostId" IS NOT NULL)
        AND (p."state", p."errorMessage") IS DISTINCT FROM (w."state", w."errorMessage")
      ORDER BY p."id" FOR NO KEY UPDATE OF p
    ), changed AS (
      UPDATE "Port" p SET "state" = o."state", "errorMessage" = o."errorMessage" FROM otherwise o
      WHERE p."id" = o."id" RETURNING p."id", p."projectId", p."deviceId", p."networkId"
    ), e AS (${insertEvents(Prisma.sql`(${portEvents('updated', Prisma.sql`changed`)}) n`, actorOf(ctx))})
    SELECT pg_notify('stratolith_events', '') FROM e`
}
