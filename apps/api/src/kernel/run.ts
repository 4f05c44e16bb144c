import { type Ctx, type Deps, systemCtx } from './context.ts'
import { CloudError, invariant, toCloudError } from './errors.ts'
import { type Holder, LeaseLost } from './lease.ts'
import {
  advance,
  type Caps,
  giveBack,
  isThere,
  markStep,
  noteFailure,
  noteProgress,
  noteWait,
  patchRow,
  type Row,
  type StepRow,
  take,
} from './run-rows.ts'
import { type Run, type Step, type Wait, type Workflow, workflowNamed } from './workflow.ts'

/** A function that tests run at each step boundary; production passes none. */
export type Probe = (at: {
  action: string
  step: string
  when: 'before' | 'after'
  phase: 'run' | 'undo'
}) => void | Promise<void>

/** Thrown by a probe to simulate kill -9: nothing is written after it. */
export class Crash extends Error {}

export type Attempt = {
  /**
   * Absent: retryable failures are queued again until the deadline. Tests pass true (a failure is permanent)
   * or false (a retryable failure is thrown, and the test calls again).
   */
  last?: boolean
  signal?: AbortSignal
  probe?: Probe
  /** The worker in which the run is; tests have none. */
  holder?: Holder
  caps?: Caps
}
/** `waiting` and `retrying`: the operation is queued for later. `full`: it was not run, because the limits are reached. */
export type Outcome = 'over' | 'waiting' | 'retrying' | 'full'

type Active = {
  ctx: Ctx
  workflow: Workflow
  row: Row
  run: Run<unknown>
  holder: Holder | null
  attempt: Attempt
  /** Ends the driver calls of the present phase (steps or undo). */
  controller: AbortController
  /** Drops progress of an ended step that was not written yet. */
  hush(): void
  /** What the present step leaves in its history. */
  remark: string | null
  /** The start and the deadline of the present step. */
  at: { stepStartedAt: Date; deadline: Date }
}

const minute = 60_000
const day = 24 * 60 * minute
const progressMs = 300
const defaultDeadlineMs = { short: 10 * minute, long: 60 * minute }
const defaultUndoDeadlineMs = 10 * minute

/**
 * Runs an operation until it is over, waits, or must be tried again. It is safe to call this again after a
 * crash anywhere: finished steps are skipped, and the step that was under way runs again. Throws
 * LeaseLost when another worker has taken the operation over.
 */
export async function runOperation(deps: Deps, operationId: string, attempt: Attempt = {}): Promise<Outcome> {
  const holder = attempt.holder ?? null
  const row = await take(deps, operationId, holder, attempt.caps ?? null)
  if (!row) {
    if (!(await isThere(deps, operationId, attempt.caps ?? null))) return 'over'
    holder?.check()
    return 'full'
  }
  try {
    return await runTaken(deps, row, attempt)
  } catch (error) {
    if (holder && !(error instanceof Crash))
      await giveBack(deps, row, holder).catch((err) =>
        deps.log.warn({ err, operationId }, 'the operation could not be given back'),
      )
    throw error
  }
}

async function runTaken(deps: Deps, row: Row, attempt: Attempt): Promise<Outcome> {
  const workflow = workflowNamed(row.action)
  invariant(workflow, `no workflow ${row.action}`)
  const active = activate(deps, workflow, row, attempt)
  const { controller } = active
  const detach = attempt.holder?.attach(controller)
  const abort = () => controller.abort(attempt.signal?.reason)
  attempt.signal?.addEventListener('abort', abort)
  try {
    if (row.state !== 'undoing') return await forward(active)
    const code = (row.errorCode ?? 'internal') as CloudError['code']
    return await undoAll(active, new CloudError(code, row.errorMessage ?? 'The operation failed.'))
  } finally {
    detach?.()
    attempt.signal?.removeEventListener('abort', abort)
  }
}

async function forward(active: Active): Promise<Outcome> {
  const { ctx, workflow, row, holder } = active
  const recorded = new Map(row.steps.map((step) => [step.name, step]))
  let next = Math.max(-1, ...row.steps.map((step) => step.index)) + 1
  let ended: string | undefined
  let remark: string | null = null
  for (const step of workflow.steps) {
    const before = recorded.get(step.name)
    if (before?.state === 'done') continue
    const again = before?.state === 'running' && row.state === 'running' && ended === undefined
    const started = { index: before?.index ?? next++, step }
    if (!again) await advance(ctx, row, holder, { state: 'running', ended, remark, started })
    const result = await runStep(active, step, before)
    if (result instanceof CloudError) return failed(active, step, result)
    if (result) return wait(active, step, result, before?.progress ?? null)
    ended = step.name
    remark = active.remark
  }
  await forgetUnknown(active)
  await advance(ctx, row, holder, { state: 'succeeded', ended, remark })
  return 'over'
}

async function runStep(
  active: Active,
  step: Step<unknown>,
  before: StepRow | undefined,
): Promise<CloudError | Wait | undefined> {
  const { ctx, row, run, holder, attempt, workflow } = active
  active.at = timesOf(active, step, before)
  active.remark = null
  const timer = setTimeout(
    () => active.controller.abort(new Error('the deadline has passed')),
    Math.max(0, active.at.deadline.getTime() - Date.now()),
  )
  try {
    await attempt.probe?.({ action: workflow.action, step: step.name, when: 'before', phase: 'run' })
    const wait = (await step.run(run)) ?? undefined
    if (!wait)
      await attempt.probe?.({ action: workflow.action, step: step.name, when: 'after', phase: 'run' })
    return wait
  } catch (error) {
    if (error instanceof Crash || error instanceof LeaseLost) throw error
    holder?.check()
    const failure = toCloudError(error)
    ctx.log.warn({ err: error, detail: failure.detail, step: step.name, operationId: row.id }, 'step failed')
    return failure
  } finally {
    clearTimeout(timer)
    active.hush()
  }
}

function timesOf({ row, workflow }: Active, step: Step<unknown>, before: StepRow | undefined) {
  const stepStartedAt = before ? new Date(before.startedAt) : new Date()
  const all = row.startedAt.getTime() + deadlineMsOf(workflow)
  const own = step.deadlineMs === undefined ? all : stepStartedAt.getTime() + step.deadlineMs
  return { stepStartedAt, deadline: new Date(Math.min(all, own)) }
}
const deadlineMsOf = (workflow: Workflow) =>
  workflow.deadlineMs ?? defaultDeadlineMs[workflow.lane ?? 'short']

async function wait(active: Active, step: Step<unknown>, wait: Wait, told: string | null): Promise<Outcome> {
  const { ctx, row, holder } = active
  const left = active.at.deadline.getTime() - Date.now()
  if (left <= 0) return undoFor(active, step, overdue(active, step, `${wait.for}.`))
  const text = wait.for.slice(0, 200)
  const waitMs = Math.min(wait.waitMs, left)
  await noteWait(ctx, row, holder, { step: step.name, text, told: told === text, waitMs })
  return 'waiting'
}

async function failed(active: Active, step: Step<unknown>, failure: CloudError): Promise<Outcome> {
  const { ctx, row, holder, attempt } = active
  const left = active.at.deadline.getTime() - Date.now()
  if (attempt.last) return undoFor(active, step, failure)
  const retryMs = backoffMs(row.attempts)
  if (!failure.retryable && left > 0) return undoFor(active, step, failure)
  if (retryMs >= left) return undoFor(active, step, overdue(active, step, failure.message))
  await noteFailure(ctx, row, holder, { step: step.name, message: failure.message, retryMs })
  if (attempt.last === false) throw failure
  return 'retrying'
}

/** The pause before the next try, in ms: 1, 2, 4, 8 and then 15 s, each varied at random by a fifth. */
const backoffMs = (attempts: number) =>
  Math.min(15_000, 1_000 * 2 ** Math.min(attempts, 10)) * (0.8 + 0.4 * Math.random())

/** The permanent failure after a deadline; `reason` says what the step was waiting for or how it failed last. */
function overdue(active: Active, step: Step<unknown>, reason: string): CloudError {
  const { workflow, row } = active
  const mine = step.deadlineMs ?? Number.POSITIVE_INFINITY
  const ms = Math.min(mine, deadlineMsOf(workflow))
  const detail = `step ${step.name} of operation ${row.id}`
  return new CloudError('unavailable', `This was not done within ${inWords(ms)}. ${reason}`, { detail })
}
/**
 * A duration in words. Below 5 minutes it is told in seconds unless it is whole minutes, because rounding would be too coarse,
 * from 2 hours on in hours, and from 2 days on in days.
 */
export const inWords = (ms: number) => {
  if (ms >= 2 * day) return `${Math.round(ms / day)} days`
  if (ms >= 120 * minute) return `${Math.round(ms / (60 * minute))} hours`
  return ms >= 5 * minute || (ms >= 2 * minute && ms % minute === 0)
    ? `${Math.round(ms / minute)} minutes`
    : `${Math.max(1, Math.round(ms / 1000))} seconds`
}

async function undoFor(active: Active, step: Step<unknown>, failure: CloudError): Promise<Outcome> {
  const { ctx, row, holder } = active
  await noteFailure(ctx, row, holder, { step: step.name, message: failure.message, retryMs: null })
  const { detail } = failure
  ctx.log.error({ err: failure, detail, step: step.name, operationId: row.id }, 'operation failed')
  await advance(ctx, row, holder, { state: 'undoing', failure })
  return undoAll(active, failure)
}

/** Marks running steps that the present list does not have as failed, because their progress is unknown. */
async function forgetUnknown({ ctx, workflow, row, holder }: Active): Promise<void> {
  const known = new Set(workflow.steps.map((step) => step.name))
  for (const { name, state } of row.steps) {
    if (known.has(name)) continue
    ctx.log.warn({ operationId: row.id, step: name }, 'this step is not part of the action any more')
    if (state !== 'running') continue
    const error = 'This step is not part of the action any more.'
    await markStep(ctx, row, holder, { step: name, state: 'failed', error })
  }
}

/**
 * Undoes the steps in reverse order and tries again until the undo deadline. Then each step is tried a last time, and
 * those that still cannot be undone are handed to undoGivenUp, so that an operation always ends.
 */
async function undoAll(active: Active, error: CloudError): Promise<Outcome> {
  const { ctx, workflow, row, run, holder, attempt } = active
  const since = row.undoingSince?.getTime() ?? Date.now()
  const deadline = new Date(since + (workflow.undoDeadlineMs ?? defaultUndoDeadlineMs))
  const final = Date.now() >= deadline.getTime()
  const owed: string[] = []
  const reset = freshController(active, final ? new Date(Date.now() + minute) : deadline)
  try {
    for (const { name, state } of await toUndo(active)) {
      const step = workflow.steps.find((one) => one.name === name)
      if (!step) continue
      const done = await tried(active, final, `undo of ${name}`, async () => {
        if (!step.undo) return
        await attempt.probe?.({ action: workflow.action, step: name, when: 'before', phase: 'undo' })
        await step.undo(run)
        await attempt.probe?.({ action: workflow.action, step: name, when: 'after', phase: 'undo' })
      })
      if (!done) owed.push(name)
      else if (state === 'done') await markStep(ctx, row, holder, { step: name, state: 'undone' })
    }
    if (owed.length > 0)
      await tried(active, true, 'undoGivenUp', async () => workflow.undoGivenUp?.(run, error, owed))
    await tried(active, final, 'onFailed', () => workflow.onFailed(run, error))
  } catch (failure) {
    if (failure instanceof Crash || failure instanceof LeaseLost) throw failure
    holder?.check()
    const { message } = toCloudError(failure)
    const retryMs = Math.min(backoffMs(row.attempts), Math.max(0, deadline.getTime() - Date.now()))
    await noteFailure(ctx, row, holder, { step: null, message, retryMs })
    if (attempt.last !== undefined) throw failure
    return 'retrying'
  } finally {
    reset()
  }
  await advance(ctx, row, holder, { state: 'failed' })
  return 'over'
}

/** The steps that have begun and are not undone, the latest first. */
async function toUndo({ ctx, workflow, row }: Active): Promise<{ name: string; state: string }[]> {
  const steps = await ctx.deps.root.operationStep.findMany({
    where: { operationId: row.id, state: { not: 'undone' } },
    orderBy: { index: 'desc' },
    select: { name: true, state: true },
  })
  const known = new Set(workflow.steps.map((step) => step.name))
  for (const { name } of steps)
    if (!known.has(name)) ctx.log.warn({ operationId: row.id, step: name }, 'no undo: this step is not known')
  return steps
}

/** Runs `work` and returns whether it succeeded. A failure is thrown unless this is the last try (`final`). */
async function tried(
  { ctx, row, holder }: Active,
  final: boolean,
  what: string,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof Crash || error instanceof LeaseLost) throw error
    holder?.check()
    ctx.log.error({ err: error, operationId: row.id, what, final }, 'undoing failed')
    if (!final) throw error
    return false
  }
}

/** Gives the undo a signal of its own, because that of the steps may have been aborted at their deadline. */
function freshController(active: Active, deadline: Date): () => void {
  const { holder, attempt } = active
  const controller = new AbortController()
  active.controller = controller
  active.at = { stepStartedAt: new Date(), deadline }
  const detach = holder?.attach(controller)
  const abort = () => controller.abort(attempt.signal?.reason)
  attempt.signal?.addEventListener('abort', abort)
  const timer = setTimeout(abort, Math.max(0, deadline.getTime() - Date.now()))
  return () => {
    clearTimeout(timer)
    detach?.()
    attempt.signal?.removeEventListener('abort', abort)
  }
}

function activate(deps: Deps, workflow: Workflow, row: Row, attempt: Attempt): Active {
  const ctx = systemCtx(deps, row.requestId ?? `op-${row.id}`, {
    userId: row.actorId ?? 'system',
    userName: row.actorName ?? 'system',
  })
  const holder = attempt.holder ?? null
  const data: Record<string, unknown> = { ...(row.stateData as Record<string, unknown>) }
  // Progress is written only after a moment, and only the newest text, because shorter-lived text would never be read.
  let newest: string | null = null
  const note = () => {
    if (newest === null) return
    const text = newest
    newest = null
    noteProgress(ctx, row, holder, text).catch((error) =>
      ctx.log.warn({ err: error }, 'progress could not be written'),
    )
  }
  const progress = (text: string) => {
    if (newest === null) setTimeout(note, progressMs).unref()
    newest = text.slice(0, 200)
  }
  const active: Omit<Active, 'run'> = {
    ctx,
    workflow,
    row,
    holder,
    attempt,
    controller: new AbortController(),
    hush() {
      newest = null
    },
    remark: null,
    at: {
      stepStartedAt: row.startedAt,
      deadline: new Date(row.startedAt.getTime() + deadlineMsOf(workflow)),
    },
  }
  const run: Run<unknown> = {
    ctx,
    input: row.input,
    operationId: row.id,
    resourceId: row.resourceId,
    data,
    get stepStartedAt() {
      return active.at.stepStartedAt
    },
    get deadline() {
      return active.at.deadline
    },
    async keep(patch) {
      Object.assign(data, patch)
      await patchRow(ctx, row, holder, { data })
    },
    async moveToHost(hostId) {
      row.hostId = hostId
      await patchRow(ctx, row, holder, { hostId })
    },
    progress,
    remark(text) {
      active.remark = text
    },
    op: {
      id: row.id,
      // A getter, so that every driver call checks the lease: a process that was frozen makes no call without its lease.
      get signal() {
        holder?.check()
        return active.controller.signal
      },
      log: ctx.log,
      progress,
    },
  }
  return Object.assign(active, { run })
}
