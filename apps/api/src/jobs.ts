import { Logger, run, type Task } from 'graphile-worker'
import pg from 'pg'
import type { Deps } from './kernel/context.ts'
import { runOperation } from './kernel/run.ts'
import { taskOf } from './kernel/workflow.ts'

/**
 * Runs workflows from the queue, `concurrency` at a time, until the returned function is called,
 * which waits for those that are under way.
 */
export async function startJobs(deps: Deps, concurrency: number): Promise<() => Promise<void>> {
  const pool = new pg.Pool({ connectionString: deps.config.databaseUrl, max: concurrency + 4 })
  const lost = (error: Error) => deps.log.warn({ err: error }, 'the queue lost a connection')
  pool.on('error', lost)
  pool.on('connect', (client) => client.on('error', lost))
  await unlockDeadWorkers(deps, pool)
  const work: Task = async (payload, helpers) => {
    const { operationId } = payload as { operationId: string }
    await runOperation(deps, operationId, { signal: helpers.abortSignal })
  }
  const runner = await run({
    pgPool: pool,
    concurrency,
    noHandleSignals: true,
    logger: queueLog(deps),
    pollInterval: 2000,
    taskList: { [taskOf.short]: work, [taskOf.long]: work },
  })
  return async () => {
    await runner.stop()
    await pool.end()
  }
}

/** The queue's own words in our log; what it says of each job is of interest to nobody but us. */
const queueLog = ({ log }: Deps) =>
  new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') log.warn({ queue: true }, message)
    else log.debug({ queue: true }, message)
  })

/**
 * A worker that was killed leaves its jobs locked for hours. There is one worker process a cloud
 * (tools/cloud.ts starts it), so at start every lock belongs to a dead one.
 */
async function unlockDeadWorkers({ log }: Deps, workers: pg.Pool): Promise<void> {
  const { rows } = await workers.query<{ locked_by: string }>(
    'SELECT DISTINCT locked_by FROM graphile_worker._private_jobs WHERE locked_by IS NOT NULL UNION SELECT DISTINCT locked_by FROM graphile_worker._private_job_queues WHERE locked_by IS NOT NULL',
  )
  const ids = rows.map((row) => row.locked_by)
  if (ids.length === 0) return
  await workers.query('SELECT graphile_worker.force_unlock_workers($1::text[])', [ids])
  log.warn({ workers: ids.length }, 'unlocked jobs of workers that were killed')
}
