import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { surplus } from '@stratolith/db'
import { type Job, type JobHelpers, Logger, type Runner, run } from 'graphile-worker'
import pg from 'pg'
import { JobsUnderWay } from './jobs-under-way.ts'
import type { Deps } from './kernel/context.ts'
import { defaultSlots, LaneSlots } from './kernel/lanes.ts'
import type { WorkerLease } from './kernel/lease.ts'
import { runOperation } from './kernel/run.ts'
import { longSession } from './kernel/session.ts'
import { type Lane, taskOf } from './kernel/workflow.ts'

export type JobOptions = {
  slots?: Record<Lane, number>
  /** The grace time of JobsUnderWay. */
  graceMs?: number
  /** Called when the queue has ended by itself: the process must end. */
  onLost(): void
}

/**
 * Runs workflows from the queue, in each lane up to `slots` at a time, until the returned function is called, which
 * waits for the workflows that are under way.
 */
export async function startJobs(
  deps: Deps,
  lease: WorkerLease,
  { slots = defaultSlots, graceMs, onLost }: JobOptions,
): Promise<() => Promise<void>> {
  const max = Math.max(slots.short, slots.long) + 4
  // No time limit for a connection, because the wait for a place in the pool would count, and the queue does not
  // repeat a failed write.
  const patience = { query_timeout: 60_000, connectionTimeoutMillis: 0 }
  const pool = new pg.Pool({ ...longSession(deps.config.databaseUrl), ...patience, ...surplus, max })
  const lost = (error: Error) => deps.log.warn({ err: error }, 'the queue lost a connection')
  pool.on('error', lost)
  pool.on('connect', (client) => client.on('error', lost))
  const underWay = new JobsUnderWay(deps, graceMs)
  let stopping = false
  const ended = (error?: unknown) => {
    if (stopping) return
    deps.log.error({ err: error }, 'the queue has ended by itself')
    onLost()
  }
  const runners: Runner[] = []
  for (const lane of ['short', 'long'] as const) {
    const laneSlots = new LaneSlots(lane, slots[lane], () => lease.workers)
    const runner = await startLane({ deps, lease, underWay, slots: laneSlots }, pool, slots[lane])
    runner.promise.then(() => ended(), ended)
    runners.push(runner)
  }
  return async () => {
    stopping = true
    await Promise.all(runners.map((runner) => runner.stop()))
    await underWay.stop()
    await pool.end()
  }
}

type LaneParts = { deps: Deps; lease: WorkerLease; underWay: JobsUnderWay; slots: LaneSlots }

async function startLane(parts: LaneParts, pgPool: pg.Pool, concurrency: number): Promise<Runner> {
  const { deps, lease, underWay, slots } = parts
  const events = new EventEmitter()
  if (slots.lane === 'short') lookAgain(events)
  let known: Promise<void> | null = null
  events.on('pool:create', ({ workerPool }) => {
    underWay.addPool(workerPool.id)
    known = lease.addPool(workerPool.id)
    known.catch((error) => deps.log.error({ err: error }, 'this worker could not be made known'))
  })
  return run({
    pgPool,
    concurrency,
    events: events as Parameters<typeof run>[0]['events'],
    noHandleSignals: true,
    logger: queueLog(deps),
    // All slots of both lanes together ask about six times a second; new jobs are notified anyway.
    pollInterval: concurrency * 250,
    // This runs before each query for a job. So it also waits here until the name of our locks is recorded, and
    // a worker that has lost its lease takes no job.
    forbiddenFlags: async () => {
      await known
      if (slots.lane === 'long') await sleep(afterShortMs)
      lease.check()
      return slots.forbidden()
    },
    taskList: {
      [taskOf[slots.lane]]: (payload, helpers) =>
        underWay.run(helpers.job.id, () => work(parts, payload, helpers)),
    },
  })
}

/**
 * Each query for a job locks the queue rows of all resources, of both lanes, for a moment, and skips rows that another
 * query has locked. Of two queries at the same moment one may therefore find nothing although there is a job, which
 * would then wait for seconds until a slot asks by itself. So the long lane asks a moment later than the short lane, and
 * the short lane asks again when it was notified of a job and found none. Times in ms.
 */
const afterShortMs = 20
const againMs = [25, 100, 400, 1_600]

type Told = { workerPool: { nudge(count: number): void }; message: { channel: string } }
function lookAgain(events: EventEmitter): void {
  let told: { pool: Told['workerPool']; tries: number } | null = null
  let timer: NodeJS.Timeout | undefined
  events.on('pool:listen:notification', ({ workerPool, message }: Told) => {
    if (message.channel === 'jobs:insert') told = { pool: workerPool, tries: 0 }
  })
  events.on('worker:getJob:empty', () => {
    const waitMs = againMs[told?.tries ?? againMs.length]
    const again = told && { pool: told.pool, tries: told.tries + 1 }
    told = null
    if (!again || waitMs === undefined) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      told ??= again
      again.pool.nudge(1)
    }, waitMs)
  })
  events.on('job:start', () => {
    told = null
  })
  // From then on the slots end one by one, and an ended slot must not be woken.
  for (const end of ['pool:gracefulShutdown', 'pool:forcefulShutdown', 'pool:release'])
    events.on(end, () => {
      told = null
      clearTimeout(timer)
    })
}

async function work({ deps, lease, slots }: LaneParts, payload: unknown, helpers: JobHelpers): Promise<void> {
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

/** Puts a job back at its old place in the queue. Our slots do not take jobs with the same flags until there is room. */
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

/** Writes the queue's warnings and errors to our log; its lines about single jobs are only for debugging. */
const queueLog = ({ log }: Deps) =>
  new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') log.warn({ queue: true }, message)
    else log.debug({ queue: true }, message)
  })
