import type { Ctx } from '../kernel/context.ts'
import { listScope } from '../kernel/context.ts'
import { whole } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'

/** A summary has at most so many different pairs of metadata. */
const mostPairs = 10_000

/** Counts the volumes of the project (or of all projects), and tells all values of each key of their metadata. */
export async function summaryOfVolumes(
  ctx: Ctx,
  { allProjects, hasMetadata }: { allProjects: boolean; hasMetadata: boolean },
): Promise<{ count: number; sizeGib: number; metadata: Map<string, string[]> }> {
  const scope = listScope(ctx, { allProjects })
  authorize(ctx, 'volume:list', scope)
  const { projectId = null } = scope
  const [total, pairs] = await Promise.all([
    ctx.db.volume.aggregate({
      where: { ...scope, trashedUntil: null },
      _count: true,
      _sum: { sizeGib: true },
    }),
    hasMetadata
      ? ctx.db.$queryRaw<{ key: string; value: string }[]>`
          SELECT DISTINCT m."key", m."value" FROM "Volume" v, jsonb_each_text(v."metadata") m
          WHERE v."trashedUntil" IS NULL AND (${projectId}::text IS NULL OR v."projectId" = ${projectId})
          ORDER BY 1, 2 LIMIT ${mostPairs + 1}`
      : [],
  ])
  const metadata = new Map<string, string[]>()
  for (const { key, value } of whole(pairs, mostPairs, 'Ask with a microversion below 3.36.'))
    metadata.set(key, [...(metadata.get(key) ?? []), value])
  return { count: total._count, sizeGib: total._sum.sizeGib ?? 0, metadata }
}
