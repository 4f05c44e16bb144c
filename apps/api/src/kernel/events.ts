import { Prisma } from '@stratolith/db'
import type { Ctx } from './context.ts'
import { demandKind } from './kinds.ts'

export type NewEvent = {
  /** "instance.created", "instance.updated", "instance.deleted", "operation.begun", … */
  kind: string
  projectId: string | null
  /** True when every project may see the event (public images, flavors, shared networks). */
  public?: boolean
  resourceKind: string
  resourceId: string
  operationId?: string
  data?: Record<string, unknown>
}

/** Appends an event to the log in the caller's transaction, in one round trip; the commit wakes listeners. */
export async function appendEvent(ctx: Ctx, event: NewEvent): Promise<void> {
  await appendEventsWith(ctx, [event], [])
}

/**
 * Appends events in this order, in one statement with the changes that they tell of ("name AS (UPDATE …)"): one round
 * trip and one commit for all, also outside of a transaction. With `onlyFrom` (the name of one of the
 * changes, which returns its rows) events are appended only when that change has changed a row. Returns
 * whether events were appended.
 */
export async function appendEventsWith(
  ctx: Ctx,
  events: readonly NewEvent[],
  changes: readonly Prisma.Sql[],
  onlyFrom?: string,
): Promise<boolean> {
  for (const { resourceKind } of events) demandKind(resourceKind)
  const from = onlyFrom ? Prisma.raw(`, "${onlyFrom}"`) : Prisma.empty
  const told = Prisma.sql`jsonb_to_recordset(${JSON.stringify(events)}::jsonb) AS n ("kind" text, "projectId" text, "public" boolean,
        "resourceKind" text, "resourceId" text, "operationId" uuid, "data" jsonb)${from}`
  const insert = Prisma.sql`e AS (${insertEvents(told, actorOf(ctx))})`
  const rows = await ctx.db.$executeRaw(
    Prisma.sql`WITH ${Prisma.join([...changes, insert])} SELECT pg_notify('stratolith_events', '') FROM e`,
  )
  return rows > 0
}

/** How long the same use by the same caller is recorded only once, in ms, so that nobody fills the log by reading. */
const noteAgainMs = 10 * 60_000

/** Records a use that changes nothing but that auditors ask for (a download, a password that is read). */
export async function noteUse(ctx: Ctx, event: NewEvent): Promise<void> {
  await appendEventsWith(ctx, [event], [firstIn(noteAgainMs, event, ctx.actor.userId)], 'first')
}

/**
 * A change named "first" (see appendEventsWith). It has a row when the log has no equal event of the last `ms`
 * milliseconds: of the same kind, resource and actor, with the same data.
 */
export const firstIn = (ms: number, event: NewEvent, actorId: string): Prisma.Sql => Prisma.sql`
  first AS (SELECT 1 WHERE NOT EXISTS (
    SELECT FROM "Event" WHERE "resourceKind" = ${event.resourceKind} AND "resourceId" = ${event.resourceId}
      AND "kind" = ${event.kind} AND "actorId" = ${actorId} AND "data" = ${JSON.stringify(event.data ?? {})}::jsonb
      AND "at" > now() - ${ms} * interval '1 millisecond'))`

/** The columns of the actor: the user's id, our request id and the request id of OpenStack's caller. */
export const actorOf = (ctx: Ctx): Prisma.Sql =>
  Prisma.sql`${ctx.actor.userId}::text, ${ctx.requestId}::text, ${ctx.globalRequestId ?? null}::text`

/** The INSERT of events from rows `n` that have the fields of NewEvent; `by`: see actorOf. */
export const insertEvents = (told: Prisma.Sql, by: Prisma.Sql): Prisma.Sql => Prisma.sql`
  INSERT INTO "Event" ("kind", "projectId", "public", "resourceKind", "resourceId", "operationId", "data", "actorId", "requestId",
    "globalRequestId")
  SELECT n."kind", n."projectId", COALESCE(n."public", false), n."resourceKind", n."resourceId", n."operationId",
    COALESCE(n."data", '{}') || CASE WHEN n."operationId" IS NOT NULL AND n."kind" LIKE '%.updated' AND n."kind" <> 'operation.updated'
      THEN ${followUp} ELSE '{}'::jsonb END, ${by} FROM ${told} RETURNING 1`

/** The mark of an event that an operation causes; the beginning of the operation is an event of its own. */
const followUp = Prisma.sql`'{"ofOperation": true}'::jsonb`
/** The condition that excludes marked events. Earlier versions had neither the mark nor an event for the beginning. */
export const noFollowUp = {
  data: { path: ['ofOperation'], equals: Prisma.DbNull },
} satisfies Prisma.EventWhereInput
