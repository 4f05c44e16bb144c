import { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { gaveWay } from '../kernel/database-errors.ts'
import { lostOperations } from '../kernel/history.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { dropOld } from '../kernel/retention.ts'
import { queueJobs } from '../kernel/workflow.ts'

/** So many idle queues make taking a job noticeably slower. A busy cloud makes a thousand within a quarter of a minute. */
const manyQueues = 100

export const operationsReconcilers: Reconciler[] = [
  { name: 'operations.lost', everyMs: 60_000, run: async (ctx) => void (await requeueLost(ctx)) },
  { name: 'operations.queue', everyMs: 60_000, run: async (ctx) => void (await collectQueues(ctx)) },
  { name: 'operations.queue.many', everyMs: 2_000, run: collectManyQueues },
  { name: 'operations.retention', everyMs: 3_600_000, run: dropOld },
]

/** Collects queues between the regular rounds when there are many. */
export async function collectManyQueues(ctx: Ctx): Promise<void> {
  const [idle] = await ctx.db.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS "count" FROM graphile_worker._private_job_queues WHERE "is_available"`
  if (idle && idle.count > manyQueues) await collectQueues(ctx)
}

/**
 * Removes idle queues. graphile-worker makes a queue row for each resource that ever had a job, and locks all of them
 * for each job that it takes. Its own GC_JOB_QUEUES may remove a queue to which a transaction is just adding a job,
 * and that job would never run; our lock waits for such transactions, and they wait for it. This function also
 * removes jobs that were replaced while they ran in a worker that was killed. Returns false when it
 * gave up waiting for a long transaction; the next round tries again.
 */
export async function collectQueues(ctx: Ctx): Promise<boolean> {
  try {
    await collect(ctx)
    return true
  } catch (error) {
    if (!gaveWay(error)) throw error
    ctx.log.debug('idle queues are collected later: others have them under way')
    return false
  }
}

async function collect(ctx: Ctx): Promise<void> {
  await inTransaction(ctx, async ({ db }) => {
    await db.$executeRaw`SET LOCAL lock_timeout = '500ms'`
    await db.$executeRaw`LOCK TABLE graphile_worker._private_job_queues IN ACCESS EXCLUSIVE MODE`
    await db.$executeRaw`DELETE FROM graphile_worker._private_jobs WHERE "key" IS NULL AND "locked_at" IS NULL
      AND "attempts" >= "max_attempts"`
    await db.$executeRaw`DELETE FROM graphile_worker._private_job_queues q WHERE "locked_at" IS NULL
      AND NOT EXISTS (SELECT 1 FROM graphile_worker._private_jobs j WHERE j."job_queue_id" = q."id")`
  })
}

/**
 * Gives a new job to operations that are not over but have none, such as one whose undo could not
 * reach its host eight times. They go on where they were. Returns their number.
 */
export async function requeueLost(ctx: Ctx): Promise<number> {
  const ids = await lostOperations(ctx)
  if (ids.length === 0) return 0
  ctx.log.warn({ operationIds: ids }, 'operations had lost their jobs')
  await queueJobs(ctx, Prisma.sql`"id" = ANY(${ids}::uuid[])`)
  return ids.length
}
