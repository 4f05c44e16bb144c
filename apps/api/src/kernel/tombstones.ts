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
