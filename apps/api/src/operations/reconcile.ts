import type { Ctx } from '../kernel/context.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { queueJob } from '../kernel/workflow.ts'

defineReconciler({
  name: 'operations.lost',
  everyMs: 60_000,
  run: async (ctx) => void (await requeueLost(ctx)),
})

/**
 * Operations that are not over but that no job will end: the undo of a failed one that could not
 * reach its host eight times, say. They get a new job and go on where they were.
 */
export async function requeueLost(ctx: Ctx): Promise<number> {
  const lost = await ctx.db.$queryRaw<LostRow[]>`
    SELECT o."id"::text AS "id", o."action", o."resourceKind", o."resourceId", o."projectId", o."hostId" FROM "Operation" o
    LEFT JOIN graphile_worker.jobs j ON j.key = o."id"::text
    WHERE o."state" IN ('queued', 'running', 'undoing') AND o."createdAt" < clock_timestamp() - interval '1 minute'
      AND (j.id IS NULL OR (j.locked_at IS NULL AND (j.attempts >= j.max_attempts OR j.queue_name IS NULL)))
    ORDER BY o."createdAt" LIMIT 500`
  for (const row of lost) {
    ctx.log.warn({ operationId: row.id }, 'operation had lost its job')
    await queueJob(ctx, row)
  }
  return lost.length
}
type LostRow = Parameters<typeof queueJob>[1]
