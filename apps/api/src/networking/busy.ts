import type { Ctx } from '../kernel/context.ts'

/** Instances with an operation under way: their workflow is at their ports. */
export async function busyInstances(ctx: Ctx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await ctx.deps.root.operation.findMany({
    where: {
      resourceKind: 'instance',
      resourceId: { in: [...new Set(ids)] },
      state: { in: ['queued', 'running', 'undoing'] },
    },
    select: { resourceId: true },
    distinct: ['resourceId'],
  })
  return new Set(rows.map((row) => row.resourceId))
}
