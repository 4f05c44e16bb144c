import { Prisma } from '@stratolith/db'
import type { Op } from '@stratolith/drivers/op'
import { type Ctx, type Deps, systemCtx } from './context.ts'
import { CloudError, invariant, toCloudError } from './errors.ts'
import { appendEventWith } from './events.ts'

/**
 * A workflow is what happens after a request has been acknowledged: steps that each may be run
 * again after a crash at any point. It is queued in the transaction of its row, so either both
 * exist or neither. Validate before it, not inside it.
 */
export type Workflow<Input = unknown> = {
  /** "instance.create"; also the name of the operation. */
  action: string
  steps: readonly Step<Input>[]
  /** Settles the resource after a permanent failure, when every finished step has been undone. */
  onFailed(run: Run<Input>, error: CloudError): Promise<void>
}
export type Step<Input> = {
  name: string
  /** "Plugging the port": shown in the build timeline. */
  title: string
  /** Idempotent. Throws a retryable CloudError to be tried again, any other to undo. */
  run(run: Run<Input>): Promise<void>
  /** Idempotent, also when run() never had its effect. Runs in reverse order. */
  undo?(run: Run<Input>): Promise<void>
}
export type Run<Input> = {
  ctx: Ctx
  input: Input
  operationId: string
  resourceId: string
  /** What earlier steps kept, by key. Small, JSON, no secrets. */
  data: Readonly<Record<string, unknown>>
  /** Keeps values for later steps; durable when it resolves. */
  keep(patch: Record<string, Prisma.InputJsonValue>): Promise<void>
  progress(text: string): void
  /** For driver calls. */
  op: Op
}

const registry = new Map<string, Workflow>()

/** Registers a workflow; rooms call it at import. */
export function defineWorkflow<Input>(workflow: Workflow<Input>): Workflow<Input> {
  registry.set(workflow.action, workflow as Workflow)
  return workflow
}
export const workflowNamed = (action: string): Workflow | undefined => registry.get(action)

/** Times a job is tried before its failure counts as permanent. */
export const maxAttempts = 8

export type NewOperation = {
  id: string
  action: string
  resourceKind: string
  resourceId: string
  resourceName: string
  projectId: string | null
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
  await ctx.db
    .$executeRaw`SELECT graphile_worker.add_job('workflow', json_build_object('operationId', ${operation.id}::text),
    queue_name := ${`${operation.resourceKind}:${operation.resourceId}`}, job_key := ${operation.id}, max_attempts := ${maxAttempts}::int)`
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

/** What a test may do at each step boundary; production passes none. */
export type Probe = (at: {
  action: string
  step: string
  when: 'before' | 'after'
  phase: 'run' | 'undo'
}) => void | Promise<void>

/**
 * Runs an operation until it succeeds, fails for good (then undone), or throws to be retried by
 * the queue. Safe to call again after a crash anywhere: finished steps are skipped, the one that
 * was under way is run again.
 */
export async function runOperation(
  deps: Deps,
  operationId: string,
  attempt: { last: boolean; signal?: AbortSignal; probe?: Probe },
): Promise<void> {
  const row = await deps.root.operation.findUnique({
    where: { id: operationId },
    include: { steps: true },
    omit: { explanation: true },
  })
  if (!row || row.state === 'succeeded' || row.state === 'failed') return
  const workflow = workflowNamed(row.action)
  invariant(workflow, `no workflow ${row.action}`)
  const ctx: Ctx = {
    ...systemCtx(deps, row.requestId ?? `op-${row.id}`),
    actor: {
      userId: row.actorId ?? 'system',
      userName: row.actorName ?? 'system',
      domainId: 'default',
      tokenHash: null,
      delegation: null,
    },
  }
  const run = makeRun(ctx, row, attempt.signal ?? new AbortController().signal)
  const done = new Set(row.steps.filter((s) => s.state === 'done').map((s) => s.index))
  if (row.state === 'undoing') {
    const reason = new CloudError('internal', row.errorMessage ?? 'The operation failed.', {
      detail: 'resumed undo',
    })
    return undoAll(workflow, run, row, reason, attempt.probe)
  }
  let ended: number | undefined
  for (const [index, step] of workflow.steps.entries()) {
    if (done.has(index)) continue
    await advance(ctx, row, { state: 'running', ended, started: { index, step } })
    const failure = await runStep(ctx, run, row, { step, index, action: workflow.action }, attempt.probe)
    ended = index
    if (!failure) continue
    if (failure.retryable && !attempt.last) throw failure
    ctx.log.error({ err: failure, detail: failure.detail, step: step.name, operationId }, 'operation failed')
    await advance(ctx, row, { state: 'undoing', failure })
    return undoAll(workflow, run, row, failure, attempt.probe)
  }
  await advance(ctx, row, { state: 'succeeded', ended })
}

type Row = {
  id: string
  action: string
  resourceKind: string
  resourceId: string
  projectId: string | null
  input: unknown
  stateData: unknown
}

async function runStep(
  ctx: Ctx,
  run: Run<unknown>,
  row: Row,
  at: { step: Step<unknown>; index: number; action: string },
  probe?: Probe,
): Promise<CloudError | null> {
  const { step, index, action } = at
  try {
    await probe?.({ action, step: step.name, when: 'before', phase: 'run' })
    await step.run(run)
    await probe?.({ action, step: step.name, when: 'after', phase: 'run' })
    return null
  } catch (error) {
    if (error instanceof Crash) throw error
    const failure = toCloudError(error)
    await ctx.deps.root.operationStep.update({
      where: { operationId_index: { operationId: row.id, index } },
      data: { state: 'failed', finishedAt: new Date(), error: failure.message },
    })
    ctx.log.warn({ err: error, detail: failure.detail, step: step.name, operationId: row.id }, 'step failed')
    return failure
  }
}

/** Thrown by a probe to play a kill -9: nothing after it is written. */
export class Crash extends Error {}

async function undoAll(
  workflow: Workflow,
  run: Run<unknown>,
  row: Row,
  error: CloudError,
  probe?: Probe,
): Promise<void> {
  const ctx = run.ctx
  const steps = await ctx.deps.root.operationStep.findMany({
    where: { operationId: row.id },
    orderBy: { index: 'desc' },
  })
  for (const record of steps) {
    const step = workflow.steps[record.index]
    if (!step || record.state === 'undone') continue
    if (step.undo) {
      await probe?.({ action: workflow.action, step: step.name, when: 'before', phase: 'undo' })
      await step.undo(run)
      await probe?.({ action: workflow.action, step: step.name, when: 'after', phase: 'undo' })
    }
    if (record.state === 'done')
      await ctx.deps.root.operationStep.update({
        where: { operationId_index: { operationId: row.id, index: record.index } },
        data: { state: 'undone' },
      })
  }
  await workflow.onFailed(run, error)
  await advance(ctx, row, { state: 'failed' })
}

function makeRun(ctx: Ctx, row: Row, signal: AbortSignal): Run<unknown> {
  const data: Record<string, unknown> = { ...(row.stateData as Record<string, unknown>) }
  const progress = (text: string) => {
    const short = text.slice(0, 200)
    const note = Prisma.sql`note AS (UPDATE "OperationStep" SET "progress" = ${short}
      WHERE "operationId" = ${row.id}::uuid AND "state" = 'running')`
    appendOperationEvent(ctx, row, 'running', { progress: short }, [note]).catch((error) =>
      ctx.log.warn({ err: error }, 'progress could not be written'),
    )
  }
  return {
    ctx,
    input: row.input,
    operationId: row.id,
    resourceId: row.resourceId,
    data,
    async keep(patch) {
      Object.assign(data, patch)
      await ctx.deps.root.operation.update({
        where: { id: row.id },
        data: { stateData: data as Prisma.InputJsonObject },
        select: { id: true },
      })
    },
    progress,
    op: { id: row.id, signal, log: ctx.log, progress },
  }
}

type Advance = {
  state: 'running' | 'undoing' | 'succeeded' | 'failed'
  /** The step that has just been done. Its end is written with what follows it. */
  ended?: number
  started?: { index: number; step: Step<unknown> }
  failure?: CloudError
}

/** Operation, steps and event of one move forward: one statement, so one commit. */
async function advance(ctx: Ctx, row: Row, { state, ended, started, failure }: Advance): Promise<void> {
  const now = new Date()
  const over = state === 'succeeded' || state === 'failed'
  const changes = [
    Prisma.sql`operation AS (UPDATE "Operation" SET "state" = ${state},
        "startedAt" = COALESCE("startedAt", ${now}::timestamptz),
        "finishedAt" = ${over ? now : null}::timestamptz,
        "errorCode" = COALESCE(${failure?.code ?? null}, "errorCode"),
        "errorMessage" = COALESCE(${failure?.message ?? null}, "errorMessage")
      WHERE "id" = ${row.id}::uuid)`,
  ]
  if (ended !== undefined)
    changes.push(Prisma.sql`ended AS (UPDATE "OperationStep" SET "state" = 'done', "finishedAt" = ${now}::timestamptz, "progress" = NULL
      WHERE "operationId" = ${row.id}::uuid AND "index" = ${ended}::int)`)
  if (started)
    changes.push(Prisma.sql`started AS (INSERT INTO "OperationStep" ("operationId", "index", "name", "title", "state", "startedAt")
      VALUES (${row.id}::uuid, ${started.index}::int, ${started.step.name}, ${started.step.title}, 'running', ${now}::timestamptz)
      ON CONFLICT ("operationId", "index") DO UPDATE SET "state" = 'running', "error" = NULL)`)
  const step = started ? { step: started.step.name, title: started.step.title } : {}
  await appendOperationEvent(ctx, row, state, step, changes)
}

async function appendOperationEvent(
  ctx: Ctx,
  row: { id: string; action: string; resourceKind: string; resourceId: string; projectId: string | null },
  state: string,
  extra: Record<string, unknown> = {},
  changes: readonly Prisma.Sql[] = [],
): Promise<void> {
  const event = {
    kind: 'operation.updated',
    projectId: row.projectId,
    resourceKind: row.resourceKind,
    resourceId: row.resourceId,
    operationId: row.id,
    data: { action: row.action, state, ...extra },
  }
  await appendEventWith(ctx, event, changes)
}
