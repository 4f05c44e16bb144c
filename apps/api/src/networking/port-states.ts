import { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { actorOf, insertEvents } from '../kernel/events.ts'
import { portEvents } from './ports/rows.ts'

/** What is shown of ports and floating IPs once their hosts have said what became of them. */

/** A floating IP is active while it is associated and every host that answers has its router as it is now. */
export async function settleFloatingIps(tx: Ctx, routerIds: readonly string[]): Promise<void> {
  if (routerIds.length === 0) return
  // Of two hosts that confirm at the same moment, the later one sees both. The rest is settled by a round.
  const locked = await tx.db.$queryRaw<{ id: string }[]>`
    SELECT f."id"::text AS "id", pg_advisory_xact_lock(hashtextextended('floating IPs of ' || f."id", 0))::text FROM (
      SELECT DISTINCT "routerId" AS "id" FROM "FloatingIp"
      WHERE "routerId" = ANY(${[...routerIds]}::uuid[]) AND "portId" IS NOT NULL AND "state" <> 'active'
      ORDER BY 1 LIMIT 200) f`
  const ids = locked.map((one) => one.id)
  if (ids.length === 0) return
  await tx.db.$executeRaw`
    WITH settled AS (
      UPDATE "FloatingIp" f SET "state" = 'active'
      WHERE f."routerId" = ANY(${ids}::uuid[]) AND f."portId" IS NOT NULL AND f."state" <> 'active' AND NOT EXISTS (
        SELECT FROM "HostDocument" h JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing"
        JOIN "Host" o ON o."id" = h."hostId" AND o."state" = 'up'
        WHERE h."kind" = 'router' AND h."thing" = f."routerId" AND h."confirmed" < d."generation")
      RETURNING f."id", f."projectId"
    ), e AS (${insertEvents(
      Prisma.sql`(SELECT 'floatingIp.updated' AS "kind", "projectId", false AS "public", 'floatingIp' AS "resourceKind",
        "id"::text AS "resourceId", NULL::uuid AS "operationId", NULL::jsonb AS "data" FROM settled) n`,
      actorOf(tx),
    )})
    SELECT pg_notify('stratolith_events', '') FROM e`
}

export type PortState = {
  id: string
  state: 'active' | 'down' | 'error'
  errorMessage: string | null
  /** Only while it is bound to this host: what another one says of it is too late. Null: to whichever. */
  on: string | null
}

/** Those that are otherwise, with their events: one statement. */
export async function setPortStates(ctx: Ctx, states: readonly PortState[]): Promise<void> {
  if (states.length === 0) return
  await ctx.db.$executeRaw`
    WITH otherwise AS (
      SELECT p."id", w."state", w."errorMessage" FROM jsonb_to_recordset(${JSON.stringify(states)}::jsonb)
        AS w ("id" uuid, "state" text, "errorMessage" text, "on" uuid)
      JOIN "Port" p ON p."id" = w."id" AND (w."on" IS NULL OR p."hostId" = w."on")
        AND (p."state", p."errorMessage") IS DISTINCT FROM (w."state", w."errorMessage")
      ORDER BY p."id" FOR NO KEY UPDATE OF p
    ), changed AS (
      UPDATE "Port" p SET "state" = o."state", "errorMessage" = o."errorMessage" FROM otherwise o
      WHERE p."id" = o."id" RETURNING p."id", p."projectId", p."deviceId", p."networkId"
    ), e AS (${insertEvents(Prisma.sql`(${portEvents('updated', Prisma.sql`changed`)}) n`, actorOf(ctx))})
    SELECT pg_notify('stratolith_events', '') FROM e`
}
