import fs from 'node:fs'
import path from 'node:path'
import { run } from 'graphile-worker'
import pg from 'pg'
import { startHostWatch } from './compute/events.ts'
import type { Deps } from './kernel/context.ts'
import { overridePolicy } from './kernel/policy.ts'
import { startReconcilers } from './kernel/reconciler.ts'
import { runOperation } from './kernel/workflow.ts'
import { buildDeps, onStop } from './process.ts'
import './register.ts'

const concurrency = 12
const deps = buildDeps('worker', concurrency + 6)
overridePolicy(deps.config.dataDir)
const pool = new pg.Pool({ connectionString: deps.config.databaseUrl, max: concurrency + 4 })
await unlockDeadWorkers(deps, pool)

const runner = await run({
  pgPool: pool,
  concurrency,
  noHandleSignals: true,
  pollInterval: 2000,
  taskList: {
    workflow: async (payload, helpers) => {
      const { operationId } = payload as { operationId: string }
      await runOperation(deps, operationId, {
        last: helpers.job.attempts >= helpers.job.max_attempts,
        signal: helpers.abortSignal,
      })
    },
  },
})
const stopReconcilers = startReconcilers(deps)
const stopHostWatch = startHostWatch(deps)
// tools/cloud/services.ts waits for this: the worker serves no port.
fs.mkdirSync(path.join(deps.config.dataDir, 'run'), { recursive: true })
fs.writeFileSync(path.join(deps.config.dataDir, 'run/worker.ready'), String(process.pid))
deps.log.info('worker ready')

onStop(deps.log, async () => {
  stopHostWatch()
  await stopReconcilers()
  await runner.stop()
  await pool.end()
  await deps.root.$disconnect()
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
