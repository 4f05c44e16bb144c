import { Prisma } from '@stratolith/db'
import type { Op } from '@stratolith/drivers/op'
import type { Ctx } from './context.ts'
import type { ErrorCode } from './contract.ts'
import { type CloudError, invariant } from './errors.ts'
import { appendEventsWith, type NewEvent } from './events.ts'

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

/** Makes a workflow known to this process; those of rooms stand in their room.ts. */
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

/** With what each begins. */
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
  projectId: string | null
  /** The host that does the work, where one does: a slow host then holds up its own operations only. */
  hostId?: string | null
  input?: Prisma.InputJsonObject
  explanation?: Prisma.InputJsonValue
}

/** Writes the operation, its event and its job in the caller's transaction. Returns its id. */
export async function startOperation(ctx: Ctx, operation: NewOperation): Promise<string> {
  await startOperations(ctx, [operation])
  return operation.id
}

/** The same for many, with other events of the same change (first), in one statement. */
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
 * An action that is over when the request is (rename, add a rule): the same history entry
 * without a job. In the caller's transaction.
 */
export async function recordOperation(ctx: Ctx, operation: NewOperation): Promise<void> {
  const recorded = Prisma.sql`operation AS (${insertSql(ctx, [operation], Prisma.sql`'succeeded', clock_timestamp()`)})`
  await appendEventsWith(ctx, [begun(operation, 'succeeded')], [recorded])
}

/** The same of one that has failed before it began: nothing was there to do it. */
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
 * `moment`: its state, and when it began and ended. All of one launch are begun at one time: pages of the history are
 * told apart by thousandths of a second and, within one, by ids.
 */
const insertSql = (ctx: Ctx, operations: readonly NewOperation[], moment: Prisma.Sql) => Prisma.sql`
  INSERT INTO "Operation" ("id", "action", "resourceKind", "resourceId", "resourceName", "projectId", "hostId", "input",
    "explanation", "errorCode", "errorMessage", "actorId", "actorName", "requestId", "globalRequestId", "createdAt", "state", "startedAt", "finishedAt")
  SELECT o."id", o."action", o."resourceKind", o."resourceId", o."resourceName", o."projectId", o."hostId", COALESCE(o."input", '{}'),
    o."explanation", o."errorCode", o."errorMessage", ${ctx.actor.userId}::text, ${ctx.actor.userName}::text, ${ctx.requestId}::text,
    ${ctx.globalRequestId ?? null}::text, (SELECT clock_timestamp()), m."state", m."at", m."at"
  FROM jsonb_to_recordset(${JSON.stringify(operations)}::jsonb) AS o ("id" uuid, "action" text, "resourceKind" text, "resourceId" text,
    "resourceName" text, "projectId" text, "hostId" text, "input" jsonb, "explanation" jsonb, "errorCode" text, "errorMessage" text), (SELECT ${moment}) AS m ("state", "at")`

type OperationOf = Pick<NewOperation, 'id' | 'action' | 'resourceKind' | 'resourceId' | 'projectId'>
/** Tasks of graphile-worker, by lane. */
export const taskOf: Record<Lane, string> = { short: 'workflow', long: 'workflow-long' }
export const projectFlag = (id: string) => `project:${id}`
export const hostFlag = (id: string) => `host:${id}`
/** Only for what our own code cannot catch, like a lost database: retries of steps are ours (kernel/run.ts). */
const maxAttempts = 8

/**
 * The call that puts an operation into the queue, as an expression over its row. One that is queued
 * already is moved to `runAt` ('keepRunAt': stays where it is); one that runs now is run again after it.
 * Jobs of one resource run one after the other.
 */
export function jobSql(runAt: Prisma.Sql, mode: 'replace' | 'keepRunAt' = 'replace'): Prisma.Sql {
  return Prisma.sql`graphile_worker.add_job(
    CASE WHEN "Operation"."action" = ANY(${actionsIn('long')}::text[]) THEN ${taskOf.long}::text ELSE ${taskOf.short}::text END,
    json_build_object('operationId', "Operation"."id"), queue_name := "Operation"."resourceKind" || ':' || "Operation"."resourceId",
    run_at := ${runAt}, job_key := "Operation"."id"::text, max_attempts := ${maxAttempts}::int,
    flags := array_remove(ARRAY[${projectFlag('')}::text || "Operation"."projectId", ${hostFlag('')}::text || "Operation"."hostId"], NULL),
    job_key_mode := ${mode === 'replace' ? 'replace' : 'preserve_run_at'}::text)`
}

/** Those of `which` (a condition over their rows) again, now. */
export async function queueJobs(ctx: Ctx, which: Prisma.Sql): Promise<void> {
  await ctx.db.$executeRaw`SELECT ${jobSql(Prisma.sql`now()`)} FROM "Operation" WHERE ${which}`
}

/**
 * Runs an operation now that waits for something or for its next try; nothing when it is over or
 * has not begun. An event that comes while the step still runs is not lost: it is run once more.
 */
export async function continueOperation(ctx: Ctx, operationId: string): Promise<void> {
  await queueJobs(ctx, Prisma.sql`"id" = ${operationId}::uuid AND ${underWay}`)
}
/** The same for every operation of a resource: a guest that was waited for has powered off, say. */
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

/** Somebody wants it: the audit log shows these, and not what became of each (`operation.updated`). */
export const operationBegun = 'operation.begun'
export const operationUpdated = 'operation.updated'
/** The event of an operation with the changes that it tells of (see appendEventsWith). */
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
