import { EventEmitter } from 'node:events'
import { type Job, type JobHelpers, Logger, type Runner, run } from 'graphile-worker'
import pg from 'pg'
import type { Deps } from './kernel/context.ts'
import { defaultSlots, LaneSlots } from './kernel/lanes.ts'
import type { WorkerLease } from './kernel/lease.ts'
import { runOperation } from './kernel/run.ts'
import { type Lane, taskOf } from './kernel/workflow.ts'

/**
 * Runs workflows from the queue, so many at a time of each lane, until the returned function is called,
 * which waits for those that are under way.
 */
export async function startJobs(
  deps: Deps,
  lease: WorkerLease,
  slots: Record<Lane, number> = defaultSlots,
): Promise<() => Promise<void>> {
  const max = Math.max(slots.short, slots.long) + 4
  const pool = new pg.Pool({ connectionString: deps.config.databaseUrl, max })
  const lost = (error: Error) => deps.log.warn({ err: error }, 'the queue lost a connection')
  pool.on('error', lost)
  pool.on('connect', (client) => client.on('error', lost))
  const runners: Runner[] = []
  for (const lane of ['short', 'long'] as const)
    runners.push(
      await startLane(deps, lease, pool, new LaneSlots(lane, slots[lane], () => lease.workers), slots[lane]),
    )
  return async () => {
    await Promise.all(runners.map((runner) => runner.stop()))
    await pool.end()
  }
}

async function startLane(
  deps: Deps,
  lease: WorkerLease,
  pgPool: pg.Pool,
  slots: LaneSlots,
  concurrency: number,
): Promise<Runner> {
  const events = new EventEmitter()
  let known: Promise<void> | null = null
  events.on('pool:create', ({ workerPool }) => {
    known = lease.addPool(workerPool.id)
    known.catch((error) => deps.log.error({ err: error }, 'this worker could not be made known'))
  })
  return run({
    pgPool,
    concurrency,
    events: events as Parameters<typeof run>[0]['events'],
    noHandleSignals: true,
    logger: queueLog(deps),
    // All slots of both lanes together ask six times a second; what is new is told to them anyway.
    pollInterval: concurrency * 250,
    // Asked before each look into the queue: also the place to wait until our locks are known as ours.
    forbiddenFlags: async () => {
      await known
      return slots.forbidden()
    },
    taskList: { [taskOf[slots.lane]]: (payload, helpers) => work(deps, lease, slots, payload, helpers) },
  })
}

async function work(
  deps: Deps,
  lease: WorkerLease,
  slots: LaneSlots,
  payload: unknown,
  helpers: JobHelpers,
): Promise<void> {
  const { operationId } = payload as { operationId: string }
  const flags = Object.keys(helpers.job.flags ?? {})
  if (!slots.enter(flags)) return putBack(operationId, helpers)
  try {
    const outcome = await runOperation(deps, operationId, {
      signal: helpers.abortSignal,
      holder: lease,
      caps: slots,
    })
    if (outcome === 'full') await putBack(operationId, helpers)
  } finally {
    slots.leave(flags)
  }
}

/** At its old place in the queue: our slots do not ask for its like until there is room. */
async function putBack(operationId: string, { job, addJob, getQueueName }: JobHelpers): Promise<void> {
  await addJob(job.task_identifier, job.payload, {
    queueName: (await getQueueName()) ?? undefined,
    runAt: job.run_at,
    jobKey: operationId,
    jobKeyMode: 'preserve_run_at',
    maxAttempts: job.max_attempts,
    flags: flagsOf(job),
  })
}
const flagsOf = (job: Job) => Object.keys(job.flags ?? {})

/** The queue's own words in our log; what it says of each job is of interest to nobody but us. */
const queueLog = ({ log }: Deps) =>
  new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') log.warn({ queue: true }, message)
    else log.debug({ queue: true }, message)
  })
