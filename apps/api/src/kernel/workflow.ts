import { Prisma } from '@stratolith/db'
import type { Op } from '@stratolith/drivers/op'
import type { Ctx } from './context.ts'
import { type CloudError, invariant } from './errors.ts'
import { appendEventWith } from './events.ts'

/**
 * A workflow is what happens after a request has been acknowledged: steps that each may be run
 * again after a crash at any point. It is queued in the transaction of its row, so either both
 * exist or neither. Validate before it, not inside it.
 */
export type Workflow<Input = unknown> = {
  /** "instance.create"; also the name of the operation. */
  action: string
  /** Long work (bytes, many objects) has slots of its own, so that short work never queues behind it. Default: short. */
  lane?: Lane
  /** From the first step on; then it fails for good and is undone. Default: 10 minutes, in the long lane an hour. */
  deadlineMs?: number
  /** For undoing and onFailed; after it the operation ends all the same. Default: 10 minutes. */
  undoDeadlineMs?: number
  /** Names are for ever: an operation finds what it has done by them, also in the next version. */
  steps: readonly Step<Input>[]
  /** Settles the resource after a permanent failure, when every finished step has been undone. Idempotent. */
  onFailed(run: Run<Input>, error: CloudError): Promise<void>
  /** The undo deadline has passed: notes what is still there, by the names of the steps not undone. Before onFailed. */
  undoGivenUp?(run: Run<Input>, error: CloudError, owed: readonly string[]): Promise<void>
}
export type Lane = 'short' | 'long'
export type Step<Input> = {
  name: string
  /** "Plugging the port": shown in the build timeline. */
  title: string
  /** From when it first began, over all its tries and waits; a failure after it is for good. Default: the workflow's. */
  deadlineMs?: number
  /**
   * Idempotent. Throws a retryable CloudError to be tried again, any other to undo. Whoever waits
   * for something returns a Wait instead of sleeping: others use the slot meanwhile, and the
   * same step is run again. `run.data` says what it did before, `run.stepStartedAt` when it began.
   */
  run(run: Run<Input>): Promise<void> | Promise<Wait | undefined>
  /** Idempotent, also when run() never had its effect. Runs in reverse order. */
  undo?(run: Run<Input>): Promise<void>
}
/** Again in `waitMs`, or as soon as continueOperation is called. `for`: "Waiting for the guest to power off". */
export type Wait = { waitMs: number; for: string }
export type Run<Input> = {
  ctx: Ctx
  input: Input
  operationId: string
  resourceId: string
  /** What earlier steps kept, by key. Small, JSON, no secrets. */
  data: Readonly<Record<string, unknown>>
  /** When the step that runs now first began, whatever tries and waits came between. */
  readonly stepStartedAt: Date
  /** When this step's failure becomes permanent: the earlier one of its own and the workflow's. */
  readonly deadline: Date
  /** Keeps values for later steps; durable when it resolves. */
  keep(patch: Record<string, Prisma.InputJsonValue>): Promise<void>
  /** From the next wait or retry on it counts as work of this host (see NewOperation.hostId). */
  moveToHost(hostId: string): Promise<void>
  progress(text: string): void
  /** For driver calls. Its signal ends them at the deadline and when this worker has lost its lease. */
  op: Op
}

const registry = new Map<string, Workflow>()

/** Registers a workflow; rooms call it at import. */
export function defineWorkflow<Input>(workflow: Workflow<Input>): Workflow<Input> {
  registry.set(workflow.action, workflow as Workflow)
  return workflow
}
export const workflowNames = (): string[] => [...registry.keys()]
export const workflowNamed = (action: string): Workflow | undefined => registry.get(action)
export const laneOf = (action: string): Lane => registry.get(action)?.lane ?? 'short'
/** Every action of that lane. */
export const actionsIn = (lane: Lane): string[] =>
  [...registry.keys()].filter((action) => laneOf(action) === lane)

export type NewOperation = {
  id: string
  action: string
  resourceKind: string
  resourceId: string
  resourceName: string
  projectId: string | null
  /** The host that does the work, where one does: a slow host then holds up its own operations only. */
  hostId?: string | null
  input?: Prisma.InputJsonObject
  explanation?: Prisma.InputJsonValue
}

/** Writes the operation, its event and its job in the caller's transaction. Returns its id. */
export async function startOperation(ctx: Ctx, operation: NewOperation): Promise<string> {
  invariant(ctx.db !== ctx.deps.root, 'startOperation outside a transaction')
  invariant(registry.has(operation.action), `no workflow ${operation.action}`)
  await ctx.db.operation.create({
    data: {
      ...operation,
      input: operation.input ?? {},
      actorId: ctx.actor.userId,
      actorName: ctx.actor.userName,
      requestId: ctx.requestId,
      globalRequestId: ctx.globalRequestId,
    },
  })
  await appendOperationEvent(ctx, operation, 'queued')
  await queueJob(ctx, operation)
  return operation.id
}

/**
 * An action that is over when the request is (rename, add a rule): the same history entry
 * without a job. In the caller's transaction.
 */
export async function recordOperation(ctx: Ctx, operation: NewOperation): Promise<void> {
  const now = new Date()
  await ctx.db.operation.create({
    data: {
      ...operation,
      input: operation.input ?? {},
      state: 'succeeded',
      startedAt: now,
      finishedAt: now,
      actorId: ctx.actor.userId,
      actorName: ctx.actor.userName,
      requestId: ctx.requestId,
      globalRequestId: ctx.globalRequestId,
    },
  })
  await appendOperationEvent(ctx, operation, 'succeeded')
}

type Job = {
  id: string
  action: string
  resourceKind: string
  resourceId: string
  projectId: string | null
  hostId?: string | null
}
/** Tasks of graphile-worker, by lane. */
export const taskOf: Record<Lane, string> = { short: 'workflow', long: 'workflow-long' }
export const projectFlag = (id: string) => `project:${id}`
export const hostFlag = (id: string) => `host:${id}`
/** Only for what our own code cannot catch, like a lost database: retries of steps are ours (kernel/run.ts). */
const maxAttempts = 8

/**
 * The call that puts an operation into the queue, as an expression of SQL. One that is queued
 * already is moved to `runAt` ('keepRunAt': stays where it is); one that runs now is run again after it.
 * Jobs of one resource run one after the other.
 */
export function jobSql(job: Job, runAt: Prisma.Sql, mode: 'replace' | 'keepRunAt' = 'replace'): Prisma.Sql {
  const flags = [
    ...(job.projectId === null ? [] : [projectFlag(job.projectId)]),
    ...(job.hostId ? [hostFlag(job.hostId)] : []),
  ]
  return Prisma.sql`graphile_worker.add_job(${taskOf[laneOf(job.action)]}::text, json_build_object('operationId', ${job.id}::text),
    queue_name := ${`${job.resourceKind}:${job.resourceId}`}::text, run_at := ${runAt}, job_key := ${job.id}::text,
    max_attempts := ${maxAttempts}::int, flags := ${flags}::text[],
    job_key_mode := ${mode === 'replace' ? 'replace' : 'preserve_run_at'}::text)`
}
export async function queueJob(ctx: Ctx, job: Job): Promise<void> {
  await ctx.db.$executeRaw`SELECT ${jobSql(job, Prisma.sql`now()`)}`
}

/**
 * Runs an operation now that waits for something or for its next try; nothing when it is over or
 * has not begun. An event that comes while the step still runs is not lost: it is run once more.
 */
export async function continueOperation(ctx: Ctx, operationId: string): Promise<void> {
  await continueWhere(ctx, { id: operationId })
}
/** The same for every operation of a resource: a guest that was waited for has powered off, say. */
export async function continueOperationsOf(
  ctx: Ctx,
  resourceKind: string,
  resourceId: string,
): Promise<void> {
  await continueWhere(ctx, { resourceKind, resourceId })
}
async function continueWhere(ctx: Ctx, where: Prisma.OperationWhereInput): Promise<void> {
  const rows = await ctx.db.operation.findMany({
    where: { ...where, state: { in: ['running', 'undoing'] } },
    select: { id: true, action: true, resourceKind: true, resourceId: true, projectId: true, hostId: true },
  })
  for (const row of rows) await queueJob(ctx, row)
}

/** The event of an operation with the changes that it tells of (see appendEventWith). */
export async function appendOperationEvent(
  ctx: Ctx,
  row: Job,
  state: string,
  extra: Record<string, unknown> = {},
  changes: readonly Prisma.Sql[] = [],
  onlyFrom?: string,
): Promise<boolean> {
  const event = {
    kind: 'operation.updated',
    projectId: row.projectId,
    resourceKind: row.resourceKind,
    resourceId: row.resourceId,
    operationId: row.id,
    data: { action: row.action, state, ...extra },
  }
  return appendEventWith(ctx, event, changes, onlyFrom)
}
