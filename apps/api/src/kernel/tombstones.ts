import type { Ctx } from './context.ts'
import { gathered } from './gathered.ts'

/**
 * Tombstones are written by triggers (prisma/triggers.sql) in the transaction of whatever deletes a row, or takes
 * it off a host. Nothing has to be called, so nothing can be forgotten. Which kinds have them is said in room.ts.
 *
 * Which of these have been deleted, or are to be gone from that host because they live elsewhere or
 * nowhere. A row that says that the thing is there is stronger: the caller asks for rows, too, and
 * before, so that what is deleted in between is found here.
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
/** A round looks at many hosts at the same time: what it asks of them is one query. */
const buried = gathered(64, async ({ deps }, places: readonly Place[]) => {
  const rows = await deps.root.$queryRaw<{ n: number; id: string }[]>`
    SELECT w."n", t."id" FROM jsonb_to_recordset(${asJson(places)}::jsonb) AS w ("n" int, "kind" text, "hostId" text, "ids" text[])
    JOIN "Tombstone" t ON t."kind" = w."kind" AND t."id" = ANY(w."ids") AND t."hostId" IN ('', w."hostId")`
  const byPlace = Map.groupBy(rows, (row) => row.n)
  return places.map((_place, n) => new Set(byPlace.get(n)?.map((row) => row.id)))
})
const asJson = (places: readonly Place[]) => JSON.stringify(places.map((place, n) => ({ n, ...place })))

/** A call that was under way when its thing was deleted may still make it: so long is it waited for. */
const settledAfterSeconds = 10 * 60

/**
 * After a round that has seen all that there is of a kind at a place: a tombstone of what is not there any
 * more has done its work. It must not stay: bytes come again by the same name, a port comes back to a
 * host, and a restored database would have a reason to remove them that is not one any more.
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

/** The place is gone: nothing will ever be removed there. In the transaction of that. */
export async function forgetTombstonesAt(ctx: Ctx, hostId: string): Promise<void> {
  await ctx.db.tombstone.deleteMany({ where: { hostId } })
}
