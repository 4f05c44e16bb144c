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
  await appendEventWith(ctx, event, [])
}

/**
 * The same in one statement with the changes that it tells of ("name AS (UPDATE …)"): one round
 * trip and one commit for all, also outside of a transaction. With `onlyFrom` (the name of one of
 * them, which returns its rows) there is an event only if that one changed its row. Returns
 * whether there is one.
 */
export async function appendEventWith(
  ctx: Ctx,
  event: NewEvent,
  changes: readonly Prisma.Sql[],
  onlyFrom?: string,
): Promise<boolean> {
  const insert = Prisma.sql`e AS (
      INSERT INTO "Event" ("kind", "projectId", "public", "resourceKind", "resourceId", "operationId", "actorId", "requestId",
        "globalRequestId", "data")
      SELECT ${event.kind}::text, ${event.projectId}::text, ${event.public ?? false}::boolean, ${event.resourceKind}::text,
             ${event.resourceId}::text, ${event.operationId ?? null}::uuid, ${ctx.actor.userId}::text, ${ctx.requestId}::text,
             ${ctx.globalRequestId ?? null}::text, ${JSON.stringify(event.data ?? {})}::jsonb ${onlyFrom ? Prisma.raw(`FROM "${onlyFrom}"`) : Prisma.empty}
      RETURNING 1)`
  const rows = await ctx.db.$executeRaw(
    Prisma.sql`WITH ${Prisma.join([...changes, insert])} SELECT pg_notify('stratolith_events', '') FROM e`,
  )
  return rows > 0
}
