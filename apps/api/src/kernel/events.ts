import { Prisma } from '@stratolith/db'
import type { Ctx } from './context.ts'
import { demandKind } from './kinds.ts'

export type NewEvent = {
  /** "instance.created", "instance.updated", "instance.deleted", "operation.begun", … */
  kind: string
  projectId: string | null
  /** Visible in every project (public images, flavors, shared networks). */
  public?: boolean
  resourceKind: string
  resourceId: string
  operationId?: string
  data?: Record<string, unknown>
}

/** Appends to the log in the caller's transaction and wakes listeners at commit. One round trip. */
export async function appendEvent(ctx: Ctx, event: NewEvent): Promise<void> {
  await appendEventsWith(ctx, [event], [])
}

/**
 * Many, in this order, in one statement with the changes that they tell of ("name AS (UPDATE …)"): one round
 * trip and one commit for all, also outside of a transaction. With `onlyFrom` (the name of one of
 * them, which returns its rows) there are events only if that one changed its row. Returns
 * whether there are.
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

/** A use of this kind by the same caller is written down once in so long: nobody fills the log by looking. */
const noteAgainMs = 10 * 60_000

/** A use that an auditor asks for and that changes nothing (a download, a password that is read). */
export async function noteUse(ctx: Ctx, event: NewEvent): Promise<void> {
  await appendEventsWith(ctx, [event], [firstIn(noteAgainMs, event, ctx.actor.userId)], 'first')
}

/**
 * A change named "first" (see appendEventsWith) that has a row when nobody has written down the same in so many
 * milliseconds: this kind of event, of this thing, by this actor, with the same data.
 */
export const firstIn = (ms: number, event: NewEvent, actorId: string): Prisma.Sql => Prisma.sql`
  first AS (SELECT 1 WHERE NOT EXISTS (
    SELECT FROM "Event" WHERE "resourceKind" = ${event.resourceKind} AND "resourceId" = ${event.resourceId}
      AND "kind" = ${event.kind} AND "actorId" = ${actorId} AND "data" = ${JSON.stringify(event.data ?? {})}::jsonb
      AND "at" > now() - ${ms} * interval '1 millisecond'))`

/** Who does it: the actor's id and the ids of the request (here, and of OpenStack's caller). */
export const actorOf = (ctx: Ctx): Prisma.Sql =>
  Prisma.sql`${ctx.actor.userId}::text, ${ctx.requestId}::text, ${ctx.globalRequestId ?? null}::text`

/** From rows `n` that are like NewEvent; `by`: see actorOf. */
export const insertEvents = (told: Prisma.Sql, by: Prisma.Sql): Prisma.Sql => Prisma.sql`
  INSERT INTO "Event" ("kind", "projectId", "public", "resourceKind", "resourceId", "operationId", "data", "actorId", "requestId",
    "globalRequestId")
  SELECT n."kind", n."projectId", COALESCE(n."public", false), n."resourceKind", n."resourceId", n."operationId",
    COALESCE(n."data", '{}') || CASE WHEN n."operationId" IS NOT NULL AND n."kind" LIKE '%.updated' AND n."kind" <> 'operation.updated'
      THEN ${followUp} ELSE '{}'::jsonb END, ${by} FROM ${told} RETURNING 1`

/** A change that an operation makes: that somebody began the operation is another event. */
const followUp = Prisma.sql`'{"ofOperation": true}'::jsonb`
/** Over events `e`: not such a change. Those of versions before had no event of the beginning, and no mark. */
export const noFollowUp = Prisma.sql`e."data"->'ofOperation' IS NULL`
