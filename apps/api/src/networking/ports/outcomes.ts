import { Prisma } from '@stratolith/db'
import { isUnconfirmedSomewhere } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { actorOf, insertEvents } from '../../kernel/events.ts'
import { portEvents } from './rows.ts'

/** What is shown of ports and floating IPs once their hosts have said what became of them. */

const routerOwners = Prisma.sql`('network:router_interface', 'network:router_gateway')`
/** Ports of routers and floating IPs that nothing has been said of: few, and an index has them alone. */
const untold = Prisma.sql`p."deviceOwner" IN ('network:router_interface', 'network:router_gateway', 'network:floatingip')
  AND p."state" = 'down'`

/**
 * A floating IP is active while it is associated, and a port of a router while that is switched on, once every host
 * that answers and needs the router has it as it is now.
 */
export async function settleRouted(tx: Ctx, routerIds: readonly string[]): Promise<void> {
  if (routerIds.length === 0) return
  // Of two hosts that confirm at the same moment, the later one sees both. The rest is settled by a round.
  const locked = await tx.db.$queryRaw<{ id: string }[]>`
    SELECT r."id", pg_advisory_xact_lock(hashtextextended('what router ' || r."id" || ' carries', 0))::text FROM (
      SELECT "routerId"::text AS "id" FROM "FloatingIp"
      WHERE "routerId" = ANY(${[...routerIds]}::uuid[]) AND "portId" IS NOT NULL AND "state" <> 'active'
      UNION SELECT p."deviceId" FROM "Router" r JOIN "Port" p ON p."deviceId" = r."id"::text
      WHERE r."id" = ANY(${[...routerIds]}::uuid[]) AND p."deviceOwner" IN ${routerOwners}
        AND (p."state" = 'active') <> r."adminUp"
      ORDER BY 1 LIMIT 200) r`
  const ids = locked.map((one) => one.id)
  if (ids.length === 0) return
  await tx.db.$executeRaw`
    WITH carried AS (
      SELECT r."id", r."adminUp" FROM "Router" r WHERE r."id" = ANY(${ids}::uuid[]) 
        AND NOT ${isUnconfirmedSomewhere('router', Prisma.sql`r."id"`)}
    ), addresses AS (
      UPDATE "FloatingIp" f SET "state" = 'active' FROM carried c
      WHERE f."routerId" = c."id" AND f."portId" IS NOT NULL AND f."state" <> 'active' RETURNING f."id", f."projectId"
    ), ports AS (
      UPDATE "Port" p SET "state" = CASE WHEN c."adminUp" THEN 'active' ELSE 'down' END FROM carried c
      WHERE p."deviceId" = c."id"::text AND p."deviceOwner" IN ${routerOwners} AND (p."state" = 'active') <> c."adminUp"
      RETURNING p."id", p."projectId", p."deviceId", p."networkId"
    ), e AS (${insertEvents(
      Prisma.sql`(SELECT 'floatingIp.updated' AS "kind", "projectId", false AS "public", 'floatingIp' AS "resourceKind",
        "id"::text AS "resourceId", NULL::uuid AS "operationId", NULL::jsonb AS "data" FROM addresses
        UNION ALL ${portEvents('updated', Prisma.sql`ports WHERE "projectId" <> ''`)}) n`,
      actorOf(tx),
    )})
    SELECT pg_notify('stratolith_events', '') FROM e`
}

/** Those that were only waited for by a host that does not answer any more, or were there before their state was kept. */
export async function settleUntold(ctx: Ctx): Promise<void> {
  await ctx.db.$executeRaw`
    UPDATE "Port" SET "state" = 'n/a' WHERE "id" IN (
      SELECT p."id" FROM "Port" p WHERE ${untold} AND p."deviceOwner" = 'network:floatingip' LIMIT 1000)`
  const waiting = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT "routerId"::text AS "id" FROM "FloatingIp"
    WHERE "state" <> 'active' AND "portId" IS NOT NULL AND "routerId" IS NOT NULL
    UNION SELECT p."deviceId" FROM "Port" p WHERE ${untold} AND p."deviceOwner" <> 'network:floatingip'`
  await inTransaction(ctx, (tx) =>
    settleRouted(
      tx,
      waiting.map((one) => one.id),
    ),
  )
}

export type PortState = {
  id: string
  state: 'active' | 'down' | 'error'
  errorMessage: string | null
  /** Only while it is bound to this host: what another one says of it is too late. Null: to whichever. */
  on: string | null
}

/** Those that are otherwise, with their events: one statement. A port that is switched off, or whose network is, is down. */
export async function setPortStates(ctx: Ctx, states: readonly PortState[]): Promise<void> {
  if (states.length === 0) return
  await ctx.db.$executeRaw`
    WITH otherwise AS (
      SELECT p."id", s."state", w."errorMessage" FROM jsonb_to_recordset(${JSON.stringify(states)}::jsonb)
        AS w ("id" uuid, "state" text, "errorMessage" text, "on" uuid)
      JOIN "Port" p ON p."id" = w."id" AND (w."on" IS NULL OR p."hostId" = w."on")
      JOIN "Network" n ON n."id" = p."networkId"
      CROSS JOIN LATERAL (
        SELECT CASE WHEN w."state" = 'active' AND NOT (p."adminUp" AND n."adminUp") THEN 'down' ELSE w."state" END) AS s ("state")
      WHERE (p."state", p."errorMessage") IS DISTINCT FROM (s."state", w."errorMessage")
      ORDER BY p."id" FOR NO KEY UPDATE OF p
    ), changed AS (
      UPDATE "Port" p SET "state" = o."state", "errorMessage" = o."errorMessage" FROM otherwise o
      WHERE p."id" = o."id" RETURNING p."id", p."projectId", p."deviceId", p."networkId"
    ), e AS (${insertEvents(Prisma.sql`(${portEvents('updated', Prisma.sql`changed`)}) n`, actorOf(ctx))})
    SELECT pg_notify('stratolith_events', '') FROM e`
}
