import type { Ctx } from './context.ts'
import { gathered } from './gathered.ts'

/**
 * Triggers (prisma/triggers.sql) write tombstones in the transaction that deletes a row or takes it off a host. No
 * function has to be called, so none can be forgotten. room.ts says which kinds have tombstones.
 *
 * This function returns which of these things were deleted, or must go from that host because they belong to another
 * host or to none. A row that says that the thing belongs there overrides a tombstone: the caller reads the rows, too,
 * and before this, so that a thing that is deleted in between is found here.
 */
export async function buriedAmong(
  ctx: Ctx,
  kind: string,
  ids: readonly string[],
  hostId = '',
): Promise<Set<string>> {
  return ids.length === 0 ? new Set() : buried(ctx, { kind, ids, hostId })
}

type Place = { kind: string; hostId: string; ids: readonly string[] }
/** A reconciler's round checks many hosts at the same time; their questions share one query. */
const buried = gathered(64, async ({ deps }, places: readonly Place[]) => {
  const rows = await deps.root.$queryRaw<{ n: number; id: string }[]>`
    SELECT w."n", t."id" FROM jsonb_to_recordset(${asJson(places)}::jsonb) AS w ("n" int, "kind" text, "hostId" text, "ids" text[])
    JOIN "Tombstone" t ON t."kind" = w."kind" AND t."id" = ANY(w."ids") AND t."hostId" IN ('', w."hostId")`
  const byPlace = Map.groupBy(rows, (row) => row.n)
  return places.map((_place, n) => new Set(byPlace.get(n)?.map((row) => row.id)))
})
const asJson = (places: readonly Place[]) => JSON.stringify(places.map((place, n) => ({ n, ...place })))

/** How long a tombstone is kept at least: a call that was under way when its thing was deleted may still make the thing. */
const settledAfterSeconds = 10 * 60

/**
 * Deletes tombstones whose things the host no longer has; `found` are all things of the kind on the host. These
 * tombstones have done their work, and must not stay: bytes may come again under the same name, a port may come back to
 * a host, and after a restore of the database the old tombstone would be a wrong reason to remove them.
 */
export async function laidToRest(
  ctx: Ctx,
  kind: string,
  hostId: string,
  found: readonly string[],
): Promise<void> {
  await layToRest(ctx, { kind, hostId, ids: found })
}
const layToRest = gathered(64, async ({ deps }, places: readonly Place[]) => {
  await deps.root.$executeRaw`
    DELETE FROM "Tombstone" t USING jsonb_to_recordset(${asJson(places)}::jsonb) AS w ("kind" text, "hostId" text, "ids" text[])
    WHERE t."hostId" = w."hostId" AND t."kind" = w."kind"
      AND t."deletedAt" < now() - make_interval(secs => ${settledAfterSeconds}) AND t."id" <> ALL(w."ids")`
  return places.map(() => undefined)
})

/** Deletes the tombstone of a thing whose data are to stay, in the transaction that deletes its row. */
export async function spared(ctx: Ctx, kind: string, id: string): Promise<void> {
  await ctx.db.tombstone.deleteMany({ where: { kind, id } })
}

/** Writes the tombstone of a thing whose row stays, because the thing has moved and its old place may still have it. */
export async function bury(
  ctx: Ctx,
  { kind, id, projectId }: { kind: string; id: string; projectId: string },
): Promise<void> {
  await ctx.db.$executeRaw`
    INSERT INTO "Tombstone" ("kind", "id", "projectId") VALUES (${kind}, ${id}, ${projectId})
    ON CONFLICT ("kind", "id", "hostId") DO UPDATE SET "deletedAt" = now()`
}

/** Deletes the tombstones of a host in the transaction that deletes the host, because nothing will be removed there any more. */
export async function forgetTombstonesAt(ctx: Ctx, hostId: string): Promise<void> {
  await ctx.db.tombstone.deleteMany({ where: { hostId } })
}
