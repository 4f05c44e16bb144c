import { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { gaveWay } from '../kernel/database-errors.ts'
import { lostOperations } from '../kernel/history.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { dropOld } from '../kernel/retention.ts'
import { queueJobs } from '../kernel/workflow.ts'

/** So many make taking a job noticeably slower: a busy cloud has a thousand within a quarter of a minute. */
const manyQueues = 100

export const operationsReconcilers: Reconciler[] = [
  { name: 'operations.lost', everyMs: 60_000, run: async (ctx) => void (await requeueLost(ctx)) },
  { name: 'operations.queue', everyMs: 60_000, run: async (ctx) => void (await collectQueues(ctx)) },
  { name: 'operations.queue.many', everyMs: 2_000, run: collectManyQueues },
  { name: 'operations.retention', everyMs: 3_600_000, run: dropOld },
]

/** The same in between, when there are many. */
export async function collectManyQueues(ctx: Ctx): Promise<void> {
  const [idle] = await ctx.db.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS "count" FROM graphile_worker._private_job_queues WHERE "is_available"`
  if (idle && idle.count > manyQueues) await collectQueues(ctx)
}

/**
 * graphile-worker makes a row for each resource that ever had a job and locks all of them for each
 * job that it takes. Its own GC_JOB_QUEUES may remove one to which a transaction adds a job at that
 * moment, and that job would never run: the lock waits for such transactions, and they for it. Also
 * removes jobs that a later one has replaced while they ran in a worker that was killed. False: it
 * gave way to a transaction that takes long, and is for the next round.
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
 * Operations that are not over but that no job will end: the undo of a failed one that could not
 * reach its host eight times, say. They get a new job and go on where they were.
 */
export async function requeueLost(ctx: Ctx): Promise<number> {
  const ids = await lostOperations(ctx)
  if (ids.length === 0) return 0
  ctx.log.warn({ operationIds: ids }, 'operations had lost their jobs')
  await queueJobs(ctx, Prisma.sql`"id" = ANY(${ids}::uuid[])`)
  return ids.length
}
