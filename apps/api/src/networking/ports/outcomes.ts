import { Prisma } from '@stratolith/db'
import { isUnconfirmedSomewhere } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { actorOf, insertEvents } from '../../kernel/events.ts'
import { portEvents } from './rows.ts'

/** The states of ports and floating IPs after their hosts have answered. */

const routerOwners = Prisma.sql`('network:router_interface', 'network:router_gateway')`
/** Ports of routers and floating IPs of which no host has said anything: they are few, and an index has only these. */
const untold = Prisma.sql`p."deviceOwner" IN ('network:router_interface', 'network:router_gateway', 'network:floatingip')
  AND p."state" = 'down'`

/** Most routers that one call settles, and so the most locks that one transaction has. */
const atOnce = 200

/**
 * Sets the states of what the routers carry, once every host that answers and needs a router has it as it is now: a
 * floating IP is active while it is associated, and a port of a router while the router is switched on.
 */
export async function settleRouted(tx: Ctx, routerIds: readonly string[]): Promise<void> {
  if (routerIds.length === 0) return
  // Without the lock two hosts that confirm at the same moment would not see each other's answer. What this call cannot
  // settle, a round of the reconciler settles.
  const locked = await tx.db.$queryRaw<{ id: string }[]>`
    SELECT r."id", pg_advisory_xact_lock(hashtextextended('what router ' || r."id" || ' carries', 0))::text FROM (
      SELECT "routerId"::text AS "id" FROM "FloatingIp"
      WHERE "routerId" = ANY(${[...routerIds]}::uuid[]) AND "portId" IS NOT NULL AND "state" <> 'active'
      UNION SELECT p."deviceId" FROM "Router" r JOIN "Port" p ON p."deviceId" = r."id"::text
      WHERE r."id" = ANY(${[...routerIds]}::uuid[]) AND p."deviceOwner" IN ${routerOwners}
        AND (p."state" = 'active') <> r."adminUp"
      ORDER BY 1 LIMIT ${atOnce}) r`
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

/**
 * Settles what no answer of a host settles: things that waited only for a host that no longer answers, and things of a
 * version that kept no such state.
 */
export async function settleUntold(ctx: Ctx): Promise<void> {
  await ctx.db.$executeRaw`
    UPDATE "Port" SET "state" = 'n/a' WHERE "id" IN (
      SELECT p."id" FROM "Port" p WHERE ${untold} AND p."deviceOwner" = 'network:floatingip' LIMIT 1000)`
  // Only routers that can be settled: of those that wait for a host there may be more than one call takes.
  const waiting = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT w."id" FROM (
      SELECT "routerId"::text AS "id" FROM "FloatingIp"
      WHERE "state" <> 'active' AND "portId" IS NOT NULL AND "routerId" IS NOT NULL
      UNION SELECT p."deviceId" FROM "Port" p JOIN "Router" r ON r."id" = p."deviceId"::uuid
      WHERE ${untold} AND p."deviceOwner" <> 'network:floatingip' AND r."adminUp") w
    WHERE NOT ${isUnconfirmedSomewhere('router', Prisma.sql`w."id"::uuid`)}
    ORDER BY w."id" LIMIT ${atOnce}`
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
  /**
   * The state counts only while the port is bound to this host: the answer of another host comes too late. Null:
   * whichever host the port is on.
   */
  on: string | null
}

/**
 * Changes the ports whose state differs and writes their events, in one statement. A port that is switched off, or
 * whose network is, is down.
 */
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
