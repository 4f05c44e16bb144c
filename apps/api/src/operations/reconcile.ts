import type { Ctx } from '../kernel/context.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { maxAttempts } from '../kernel/workflow.ts'

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
  const lost = await ctx.db.$queryRaw<{ id: string; resourceKind: string; resourceId: string }[]>`
    SELECT o."id"::text AS "id", o."resourceKind", o."resourceId" FROM "Operation" o
    LEFT JOIN graphile_worker.jobs j ON j.key = o."id"::text
    WHERE o."state" IN ('queued', 'running', 'undoing') AND o."createdAt" < clock_timestamp() - interval '1 minute'
      AND (j.id IS NULL OR (j.attempts >= j.max_attempts AND j.locked_at IS NULL))
    ORDER BY o."createdAt" LIMIT 500`
  for (const { id, resourceKind, resourceId } of lost) {
    ctx.log.warn({ operationId: id }, 'operation had lost its job')
    await ctx.db
      .$executeRaw`SELECT graphile_worker.add_job('workflow', json_build_object('operationId', ${id}::text),
      queue_name := ${`${resourceKind}:${resourceId}`}, job_key := ${id}, max_attempts := ${maxAttempts}::int)`
  }
  return lost.length
}
