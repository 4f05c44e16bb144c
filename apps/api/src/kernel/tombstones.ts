import type { Ctx } from './context.ts'

/**
 * Kinds whose rows are buried when they go: triggers (prisma/triggers.sql) write a tombstone in the
 * transaction of whatever deletes a row, or takes it off a host. Nothing has to be called, so nothing
 * can be forgotten. "blob" is an image's bytes, by their SHA-256.
 */
export const buriedKinds = ['instance', 'port', 'network', 'router', 'securityGroup', 'blob'] as const
export type BuriedKind = (typeof buriedKinds)[number]

/**
 * Which of these have been deleted, or are to be gone from that host because they live elsewhere or
 * nowhere. A row that says that the thing is there is stronger: the caller asks for rows, too, and
 * before, so that what is deleted in between is found here.
 */
export async function buriedAmong(
  ctx: Ctx,
  kind: BuriedKind,
  ids: readonly string[],
  hostId = '',
): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await ctx.db.tombstone.findMany({
    where: { kind, id: { in: [...ids] }, hostId: { in: [...new Set(['', hostId])] } },
    select: { id: true },
  })
  return new Set(rows.map((row) => row.id))
}

/** A call that was under way when its thing was deleted may still make it: so long is it waited for. */
const settledAfterSeconds = 10 * 60

/**
 * After a round that has seen all that there is of a kind at a place: a tombstone of what is not there any
 * more has done its work. It must not stay: bytes come again by the same name, a port comes back to a
 * host, and a restored database would have a reason to remove them that is not one any more.
 */
export async function laidToRest(
  ctx: Ctx,
  kind: BuriedKind,
  hostId: string,
  found: readonly string[],
): Promise<void> {
  await ctx.db.$executeRaw`DELETE FROM "Tombstone" WHERE "hostId" = ${hostId} AND "kind" = ${kind}
    AND "deletedAt" < now() - make_interval(secs => ${settledAfterSeconds}) AND "id" <> ALL(${[...found]}::text[])`
}
