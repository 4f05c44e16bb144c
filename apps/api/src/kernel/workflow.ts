import { Prisma } from '@stratolith/db'
import type { Op } from '@stratolith/drivers/op'
import type { Ctx } from './context.ts'
import type { ErrorCode } from './contract.ts'
import { type CloudError, invariant } from './errors.ts'
import { appendEventsWith, type NewEvent } from './events.ts'

/**
 * A workflow does the work after a request has been acknowledged: its steps may each run
 * again after a crash at any point. It is queued in the transaction of its row, so either both
 * exist or neither. Input must be validated before the workflow, not in it.
 */
export type Workflow<Input = unknown> = {
  /** The action, such as "instance.create", which is also the name of the operation. */
  action: string
  /** The lane. Long work (bytes, many objects) has slots of its own, so that short work never queues behind it. Default: short. */
  lane?: Lane
  /** The time from the first step on after which the operation fails for good and is undone. Default: 10 minutes, in the long lane an hour. */
  deadlineMs?: number
  /** The time for undoing and onFailed, after which the operation ends in any case. Default: 10 minutes. */
  undoDeadlineMs?: number
  /** The steps. Their names are for ever, because an operation finds by them what it has done, also in the next version. */
  steps: readonly Step<Input>[]
  /** Settles the resource after a permanent failure, when every finished step has been undone. Idempotent. */
  onFailed(run: Run<Input>, error: CloudError): Promise<void>
  /** Called before onFailed when the undo deadline has passed: records what is left, by the names of the steps that are not undone. */
  undoGivenUp?(run: Run<Input>, error: CloudError, owed: readonly string[]): Promise<void>
}
export type Lane = 'short' | 'long'
export type Step<Input> = {
  name: string
  /** The words that the build timeline shows, such as "Plugging the port". */
  title: string
  /** The time from the first beginning of the step, over all its tries and waits, after which a failure is permanent. Default: the workflow's. */
  deadlineMs?: number
  /**
   * Does the step. It must be idempotent. A retryable CloudError makes the step run again; any other error makes the
   * operation undo. A step that waits returns a Wait instead of sleeping: other operations use the slot meanwhile, and the
   * same step runs again. `run.data` says what the step did before, `run.stepStartedAt` when it began.
   */
  run(run: Run<Input>): Promise<void> | Promise<Wait | undefined>
  /** Undoes the step. It must be idempotent, also when run() had no effect. Undos run in reverse order of the steps. */
  undo?(run: Run<Input>): Promise<void>
}
/** The step runs again in `waitMs`, or as soon as continueOperation is called. `for` says why, as in "Waiting for the guest to power off". */
export type Wait = { waitMs: number; for: string }
/**
 * A wait for work of which nobody knows how long it takes: a fifth of the time that the step has taken already, so that what is short
 * is not made long, and what is long costs little; 50 ms to 1 s.
 */
export const soonAgain = ({ stepStartedAt }: Pick<Run<unknown>, 'stepStartedAt'>, words: string): Wait => ({
  waitMs: Math.min(1_000, Math.max(50, Math.round((Date.now() - stepStartedAt.getTime()) / 5))),
  for: words,
})
export type Run<Input> = {
  ctx: Ctx
  input: Input
  operationId: string
  resourceId: string
  /** The values that earlier steps have kept, by key. They are small JSON values without secrets. */
  data: Readonly<Record<string, unknown>>
  /** When the present step first began, before all its tries and waits. */
  readonly stepStartedAt: Date
  /** When this step's failure becomes permanent: the earlier of its own and the workflow's deadline. */
  readonly deadline: Date
  /** Keeps values for later steps; they are durable when the promise resolves. */
  keep(patch: Record<string, Prisma.InputJsonValue>): Promise<void>
  /** Counts the operation as work of this host from its next wait or retry on (see NewOperation.hostId). */
  moveToHost(hostId: string): Promise<void>
  progress(text: string): void
  /** Keeps a sentence with the step that is under way, which its history shows when the step is done. */
  remark(text: string): void
  /** The Op for driver calls. Its signal ends them at the deadline and when this worker has lost its lease. */
  op: Op
}

const registry = new Map<string, Workflow>()

/** Registers a workflow in this process; rooms list theirs in room.ts. */
export function defineWorkflow<Input>(workflow: Workflow<Input>): Workflow<Input> {
  registry.set(workflow.action, workflow as Workflow)
  return workflow
}
export const workflowNames = (): string[] => [...registry.keys()]
export const workflowNamed = (action: string): Workflow | undefined => registry.get(action)
export const laneOf = (action: string): Lane => registry.get(action)?.lane ?? 'short'
/** The actions of that lane. */
export const actionsIn = (lane: Lane): string[] =>
  [...registry.keys()].filter((action) => laneOf(action) === lane)

/** The first step of each workflow. */
export const firstSteps = () =>
  [...registry.values()].flatMap(({ action, steps: [first] }) =>
    first ? { action, name: first.name, title: first.title } : [],
  )

export type NewOperation = {
  id: string
  action: string
  resourceKind: string
  resourceId: string
  resourceName: string
  /** Another thing that the operation is about, too, whose history shows it. */
  relatedId?: string | null
  projectId: string | null
  /** The host that does the work, if any, so that a slow host holds up only its own operations. */
  hostId?: string | null
  input?: Prisma.InputJsonObject
  explanation?: Prisma.InputJsonValue
}

/** Writes an operation, its event and its job in the caller's transaction. Returns the operation's id. */
export async function startOperation(ctx: Ctx, operation: NewOperation): Promise<string> {
  await startOperations(ctx, [operation])
  return operation.id
}

/** Writes several operations in one statement; `events` are other events of the same change and come before theirs. */
export async function startOperations(
  ctx: Ctx,
  operations: readonly NewOperation[],
  events: readonly NewEvent[] = [],
): Promise<void> {
  invariant(ctx.db !== ctx.deps.root, 'startOperations outside a transaction')
  for (const { action } of operations) invariant(registry.has(action), `no workflow ${action}`)
  const started = Prisma.sql`operation AS (${insertSql(ctx, operations, Prisma.sql`'queued', NULL::timestamptz`)}
    RETURNING (${jobSql(Prisma.sql`now()`)}).id)`
  const queued = operations.map((operation) => begun(operation, 'queued'))
  await appendEventsWith(ctx, [...events, ...queued], [started])
}

/**
 * Records an action that is over with its request (a rename, a new rule): the same history entry without
 * a job, in the caller's transaction.
 */
export async function recordOperation(ctx: Ctx, operation: NewOperation): Promise<void> {
  const recorded = Prisma.sql`operation AS (${insertSql(ctx, [operation], Prisma.sql`'succeeded', clock_timestamp()`)})`
  await appendEventsWith(ctx, [begun(operation, 'succeeded')], [recorded])
}

/** Records an action that has failed before it began, because nothing could carry it out. */
export async function recordFailure(
  ctx: Ctx,
  operation: NewOperation,
  error: { code: ErrorCode; message: string },
): Promise<void> {
  const failed = { ...operation, errorCode: error.code, errorMessage: error.message }
  const recorded = Prisma.sql`operation AS (${insertSql(ctx, [failed], Prisma.sql`'failed', clock_timestamp()`)})`
  await appendEventsWith(ctx, [begun(operation, 'failed')], [recorded])
}

/**
 * The INSERT of operations; `moment` are the values of state, startedAt and finishedAt. All operations of one statement
 * are begun at one time: pages of the history tell times apart by thousandths of a second, and within one by ids.
 */
const insertSql = (ctx: Ctx, operations: readonly NewOperation[], moment: Prisma.Sql) => Prisma.sql`
  INSERT INTO "Operation" ("id", "action", "resourceKind", "resourceId", "resourceName", "relatedId", "projectId", "hostId", "input",
    "explanation", "errorCode", "errorMessage", "actorId", "actorName", "requestId", "globalRequestId", "createdAt", "state", "startedAt", "finishedAt")
  SELECT o."id", o."action", o."resourceKind", o."resourceId", o."resourceName", o."relatedId", o."projectId", o."hostId", COALESCE(o."input", '{}'),
    o."explanation", o."errorCode", o."errorMessage", ${ctx.actor.userId}::text, ${ctx.actor.userName}::text, ${ctx.requestId}::text,
    ${ctx.globalRequestId ?? null}::text, (SELECT clock_timestamp()), m."state", m."at", m."at"
  FROM jsonb_to_recordset(${JSON.stringify(operations)}::jsonb) AS o ("id" uuid, "action" text, "resourceKind" text, "resourceId" text,
    "resourceName" text, "relatedId" text, "projectId" text, "hostId" text, "input" jsonb, "explanation" jsonb, "errorCode" text, "errorMessage" text), (SELECT ${moment}) AS m ("state", "at")`

type OperationOf = Pick<NewOperation, 'id' | 'action' | 'resourceKind' | 'resourceId' | 'projectId'>
/** The tasks of graphile-worker, by lane. */
export const taskOf: Record<Lane, string> = { short: 'workflow', long: 'workflow-long' }
export const projectFlag = (id: string) => `project:${id}`
export const hostFlag = (id: string) => `host:${id}`
/** How often graphile-worker runs a job that throws, such as when the database is away. Retries of steps are our own (kernel/run.ts). */
const maxAttempts = 8

/**
 * The SQL expression over an operation's row that queues the operation. A queued job is moved to `runAt`
 * ('keepRunAt': keeps its time); a job that runs now runs again afterwards. Jobs of one resource run one
 * after the other.
 */
export function jobSql(runAt: Prisma.Sql, mode: 'replace' | 'keepRunAt' = 'replace'): Prisma.Sql {
  return Prisma.sql`graphile_worker.add_job(
    CASE WHEN "Operation"."action" = ANY(${actionsIn('long')}::text[]) THEN ${taskOf.long}::text ELSE ${taskOf.short}::text END,
    json_build_object('operationId', "Operation"."id"), queue_name := "Operation"."resourceKind" || ':' || "Operation"."resourceId",
    run_at := ${runAt}, job_key := "Operation"."id"::text, max_attempts := ${maxAttempts}::int,
    flags := array_remove(ARRAY[${projectFlag('')}::text || "Operation"."projectId", ${hostFlag('')}::text || "Operation"."hostId"], NULL),
    job_key_mode := ${mode === 'replace' ? 'replace' : 'preserve_run_at'}::text)`
}

/** Queues again, for now, the operations for which the condition `which` holds. */
export async function queueJobs(ctx: Ctx, which: Prisma.Sql): Promise<void> {
  await ctx.db.$executeRaw`SELECT ${jobSql(Prisma.sql`now()`)} FROM "Operation" WHERE ${which}`
}

/**
 * Runs an operation now that waits for something or for its next try; does nothing when it is over or
 * has not begun. A call while the step still runs is not lost: the step runs once more.
 */
export async function continueOperation(ctx: Ctx, operationId: string): Promise<void> {
  await queueJobs(ctx, Prisma.sql`"id" = ${operationId}::uuid AND ${underWay}`)
}
/** Continues every operation of a resource, for example when the guest has powered off that they wait for. */
export async function continueOperationsOf(
  ctx: Ctx,
  resourceKind: string,
  resourceId: string,
): Promise<void> {
  await queueJobs(
    ctx,
    Prisma.sql`"resourceKind" = ${resourceKind} AND "resourceId" = ${resourceId} AND ${underWay}`,
  )
}
const underWay = Prisma.sql`"state" IN ('running', 'undoing')`

/** The kind of the event that an operation was begun. The audit log shows these events, and not those of its progress (`operation.updated`). */
export const operationBegun = 'operation.begun'
export const operationUpdated = 'operation.updated'
/** Appends the event of an operation, with the changes that the event tells of (see appendEventsWith). */
export function appendOperationEvent(
  ctx: Ctx,
  row: OperationOf,
  state: string,
  extra: Record<string, unknown> = {},
  changes: readonly Prisma.Sql[] = [],
  onlyFrom?: string,
): Promise<boolean> {
  return appendEventsWith(ctx, [operationEvent(row, state, extra)], changes, onlyFrom)
}

const begun = (row: NewOperation, state: string): NewEvent => ({
  ...operationEvent(row, state, { name: row.resourceName }),
  kind: operationBegun,
})

const operationEvent = (row: OperationOf, state: string, extra: Record<string, unknown> = {}): NewEvent => ({
  kind: operationUpdated,
  projectId: row.projectId,
  resourceKind: row.resourceKind,
  resourceId: row.resourceId,
  operationId: row.id,
  data: { action: row.action, state, ...extra },
})
