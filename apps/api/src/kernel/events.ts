import { Prisma } from '@stratolith/db'
import type { Ctx } from './context.ts'

export type NewEvent = {
  /** "instance.created", "instance.updated", "instance.deleted", "operation.updated", … */
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
  const from = onlyFrom ? Prisma.raw(`, "${onlyFrom}"`) : Prisma.empty
  const insert = Prisma.sql`e AS (
      INSERT INTO "Event" ("kind", "projectId", "public", "resourceKind", "resourceId", "operationId", "actorId", "requestId",
        "globalRequestId", "data")
      SELECT n."kind", n."projectId", COALESCE(n."public", false), n."resourceKind", n."resourceId", n."operationId",
             ${ctx.actor.userId}::text, ${ctx.requestId}::text, ${ctx.globalRequestId ?? null}::text, COALESCE(n."data", '{}')
      FROM jsonb_to_recordset(${JSON.stringify(events)}::jsonb) AS n ("kind" text, "projectId" text, "public" boolean,
        "resourceKind" text, "resourceId" text, "operationId" uuid, "data" jsonb)${from}
      RETURNING 1)`
  const rows = await ctx.db.$executeRaw(
    Prisma.sql`WITH ${Prisma.join([...changes, insert])} SELECT pg_notify('stratolith_events', '') FROM e`,
  )
  return rows > 0
}
