import { Prisma } from '@stratolith/db'
import type { Ctx, Deps } from './context.ts'
import type { CloudError } from './errors.ts'
import { insertEvents } from './events.ts'
import { type Holder, LeaseLost } from './lease.ts'
import {
  actionsIn,
  appendOperationEvent,
  firstSteps,
  jobSql,
  type Lane,
  operationUpdated,
  type Step,
} from './workflow.ts'

/**
 * All statements by which a run writes. Each statement has the fence as a condition: the operation still has the number
 * that this run got when it took the operation, and the lease of its worker has not expired by the database's clock. A
 * run that was taken over while its process was frozen changes nothing and ends with LeaseLost.
 */
export type Row = {
  id: string
  action: string
  state: string
  resourceKind: string
  resourceId: string
  projectId: string | null
  hostId: string | null
  requestId: string | null
  actorId: string | null
  actorName: string | null
  input: unknown
  stateData: unknown
  errorCode: string | null
  errorMessage: string | null
  attempts: number
  startedAt: Date
  undoingSince: Date | null
  leaseNumber: number
  steps: StepRow[]
}
export type StepRow = {
  name: string
  index: number
  state: 'running' | 'done' | 'failed' | 'undone'
  progress: string | null
  startedAt: string
}
/** How many operations may run at once in the whole cloud, for one project and on one host. */
export type Caps = {
  lane: Lane
  project: number
  host: number
  /** Called with the numbers that run when the operation was not taken because of these limits. */
  counted(row: Running): void
}
type Running = { projectId: string | null; hostId: string | null; ofProject: number; ofHost: number }

const alive = (holder: Holder | null): Prisma.Sql =>
  holder
    ? Prisma.sql`AND EXISTS (SELECT 1 FROM "Worker" w WHERE w."id" = ${holder.id}::uuid AND w."leaseUntil" > clock_timestamp())`
    : Prisma.empty
const fence = (row: Row, holder: Holder | null): Prisma.Sql =>
  Prisma.sql`"id" = ${row.id}::uuid AND "leaseNumber" = ${row.leaseNumber}::int ${alive(holder)}`

/** The fence for statements that do not change the operation itself: it locks the row, so that nobody takes the operation over meanwhile. */
const mine = (row: Row, holder: Holder | null): Prisma.Sql =>
  Prisma.sql`mine AS (SELECT o."id" FROM "Operation" o WHERE ${fence(row, holder)} FOR NO KEY UPDATE OF o)`

/**
 * Takes the operation for one run. An operation that has not begun begins with it, and its first step, too: in one
 * statement and so one commit. Returns null when the operation is over or the limits are reached. The database records
 * times by its own clock; the returned row has them by the clock of this machine.
 */
export async function take(
  deps: Deps,
  id: string,
  holder: Holder | null,
  caps: Caps | null,
): Promise<Row | null> {
  const first = JSON.stringify(firstSteps())
  const steps = Prisma.sql`(SELECT json_agg(s ORDER BY s."index") FROM (
    SELECT "name", "index", "state", "progress", "startedAt" FROM "OperationStep" WHERE "operationId" = o."id"
    UNION ALL SELECT "name", "index", "state", "progress", "startedAt" FROM started) s)`
  const rows = await deps.root.$queryRaw<(Row & { now: Date })[]>`
    WITH first AS (SELECT * FROM jsonb_to_recordset(${first}::jsonb) AS f ("action" text, "name" text, "title" text)),
    o AS (
      UPDATE "Operation" o SET "leaseWorker" = ${holder?.id ?? null}::uuid, "leaseNumber" = "leaseNumber" + 1,
        "startedAt" = COALESCE("startedAt", clock_timestamp()),
        "state" = CASE WHEN o."state" = 'queued' AND o."action" IN (SELECT "action" FROM first) THEN 'running' ELSE o."state" END
      WHERE "id" = ${id}::uuid AND "state" IN ('queued', 'running', 'undoing') ${alive(holder)} ${room(caps)} RETURNING *
    ), started AS (
      INSERT INTO "OperationStep" ("operationId", "index", "name", "title", "state", "startedAt")
      SELECT o."id", 0, f."name", f."title", 'running', clock_timestamp() FROM o JOIN first f ON f."action" = o."action"
      WHERE o."state" = 'running' AND NOT EXISTS (SELECT FROM "OperationStep" s WHERE s."operationId" = o."id") RETURNING *
    ), told AS (${insertEvents(begun, begunBy)})
    SELECT "id"::text, "action", "state", "resourceKind", "resourceId", "projectId", "hostId", "requestId", "actorId",
      "actorName", "input", "stateData", "errorCode", "errorMessage", "attempts", "startedAt", "undoingSince", "leaseNumber",
      clock_timestamp() AS "now", COALESCE(${steps}, '[]') AS "steps", (SELECT pg_notify('stratolith_events', '') FROM told)::text
    FROM o`
  return rows[0] ? byOwnClock(rows[0]) : null
}
const begun = Prisma.sql`(SELECT ${operationUpdated} AS "kind", o."projectId", false AS "public", o."resourceKind", o."resourceId",
    o."id" AS "operationId", o."actorId", o."requestId",
    jsonb_build_object('action', o."action", 'state', o."state", 'step', s."name", 'title', s."title") AS "data"
  FROM o JOIN started s ON true) n`
const begunBy = Prisma.sql`COALESCE(n."actorId", 'system'), COALESCE(n."requestId", 'op-' || n."operationId"), NULL`

function byOwnClock({ now, ...row }: Row & { now: Date }): Row {
  const ahead = Date.now() - now.getTime()
  if (Math.abs(ahead) < 1_000) return row // The clocks agree as closely as the time of the query can tell.
  const here = (at: Date | string) => new Date(new Date(at).getTime() + ahead)
  return {
    ...row,
    startedAt: here(row.startedAt),
    undoingSince: row.undoingSince && here(row.undoingSince),
    steps: row.steps.map((step) => ({ ...step, startedAt: here(step.startedAt).toISOString() })),
  }
}

const room = (caps: Caps | null): Prisma.Sql =>
  caps
    ? Prisma.sql`AND ${running(caps, 'projectId')} < ${caps.project}::int AND ${running(caps, 'hostId')} < ${caps.host}::int`
    : Prisma.empty

/**
 * Counts running operations by the index of held ones, which has as many rows as there are slots. An operation whose
 * worker is gone or whose worker's lease has run out does not count as running.
 */
function running(caps: Caps, by: 'projectId' | 'hostId'): Prisma.Sql {
  const column = Prisma.raw(`"${by}"`)
  return Prisma.sql`(SELECT count(*)::int FROM "Operation" b JOIN "Worker" w ON w."id" = b."leaseWorker"
    WHERE w."leaseUntil" > clock_timestamp() AND b.${column} = o.${column} AND b."id" <> o."id" AND (b."action" = ANY(${actionsIn('long')}::text[])) = ${caps.lane === 'long'}::boolean)`
}

/** Finds out why an operation was not taken: false when it is over; otherwise `caps.counted` gets the numbers that run. */
export async function isThere(deps: Deps, id: string, caps: Caps | null): Promise<boolean> {
  const counts = caps
    ? Prisma.sql`${running(caps, 'projectId')} AS "ofProject", ${running(caps, 'hostId')} AS "ofHost"`
    : Prisma.sql`0 AS "ofProject", 0 AS "ofHost"`
  const [row] = await deps.root.$queryRaw<
    Running[]
  >`SELECT "projectId", "hostId", ${counts} FROM "Operation" o
    WHERE "id" = ${id}::uuid AND "state" IN ('queued', 'running', 'undoing')`
  if (row) caps?.counted(row)
  return row !== undefined
}

/** Gives the operation back after its run has thrown, so that another operation gets the slot at once. */
export async function giveBack(deps: Deps, row: Row, holder: Holder): Promise<void> {
  await deps.root.$executeRaw`UPDATE "Operation" SET "leaseWorker" = NULL WHERE ${fence(row, holder)}`
}

const none = Prisma.sql`NULL::timestamptz`

export type Advance = {
  state: 'running' | 'undoing' | 'succeeded' | 'failed'
  /** The step that has just ended. Its end is written in the same statement as the next change. */
  ended?: string
  /** What the ended step leaves in its history. */
  remark?: string | null
  started?: { index: number; step: Step<unknown> }
  failure?: CloudError
}

/** Writes operation, steps and event of one move forward, in one statement and so one commit. */
export async function advance(ctx: Ctx, row: Row, holder: Holder | null, move: Advance): Promise<void> {
  const { state, ended, remark = null, started, failure } = move
  const now = Prisma.sql`clock_timestamp()`
  const over = state === 'succeeded' || state === 'failed'
  const changes = [
    Prisma.sql`operation AS (UPDATE "Operation" SET "state" = ${state},
        "finishedAt" = ${over ? now : none},
        "undoingSince" = COALESCE("undoingSince", ${state === 'undoing' ? now : none}),
        "attempts" = ${ended !== undefined || failure ? 0 : row.attempts}::int,
        "errorCode" = COALESCE(${failure?.code ?? null}, "errorCode"),
        "errorMessage" = COALESCE(${failure?.message ?? null}, "errorMessage")
        ${over ? Prisma.sql`, "leaseWorker" = NULL` : Prisma.empty}
      WHERE ${fence(row, holder)} RETURNING "id")`,
  ]
  if (ended !== undefined)
    changes.push(Prisma.sql`ended AS (UPDATE "OperationStep" SET "state" = 'done', "finishedAt" = ${now}, "progress" = ${remark}::text
      FROM operation WHERE "operationId" = operation."id" AND "name" = ${ended})`)
  if (started)
    changes.push(Prisma.sql`started AS (INSERT INTO "OperationStep" ("operationId", "index", "name", "title", "state", "startedAt")
      SELECT operation."id", ${started.index}::int, ${started.step.name}, ${started.step.title}, 'running', ${now} FROM operation
      ON CONFLICT ("operationId", "name") DO UPDATE SET "state" = 'running', "error" = NULL)`)
  const step = started ? { step: started.step.name, title: started.step.title } : {}
  if (!(await appendOperationEvent(ctx, row, state, step, changes, 'operation'))) throw new LeaseLost()
  row.state = state
  if (ended !== undefined || failure) row.attempts = 0
}

/** Writes the failure of a step. With `retryMs` the operation is given back and queued to run again after that time. */
export async function noteFailure(
  ctx: Ctx,
  row: Row,
  holder: Holder | null,
  at: { step: string | null; message: string; retryMs: number | null },
): Promise<void> {
  const again =
    at.retryMs === null
      ? Prisma.sql`RETURNING "id"`
      : Prisma.sql`RETURNING "id", (${jobSql(inMs(at.retryMs))}).id AS "job"`
  const given = at.retryMs === null ? Prisma.empty : Prisma.sql`, "leaseWorker" = NULL`
  const changes = Prisma.sql`WITH operation AS (UPDATE "Operation" SET "attempts" = "attempts" + 1 ${given}
    WHERE ${fence(row, holder)} ${again}),
    step AS (UPDATE "OperationStep" SET "state" = 'failed', "finishedAt" = clock_timestamp(), "error" = ${at.message}
      FROM operation WHERE "operationId" = operation."id" AND "name" = ${at.step ?? ''})
    SELECT * FROM operation`
  const rows = await ctx.deps.root.$queryRaw<unknown[]>(changes)
  if (rows.length === 0) throw new LeaseLost()
}

/** Writes that the step waits: the operation is given back and queued for a later time, unless it was already called to continue. */
export async function noteWait(
  ctx: Ctx,
  row: Row,
  holder: Holder | null,
  at: { step: string; text: string; told: boolean; waitMs: number },
): Promise<void> {
  const changes = [
    Prisma.sql`operation AS (UPDATE "Operation" SET "leaseWorker" = NULL, "attempts" = 0 WHERE ${fence(row, holder)}
      RETURNING "id", (${jobSql(inMs(at.waitMs), 'keepRunAt')}).id AS "job")`,
    Prisma.sql`step AS (UPDATE "OperationStep" SET "progress" = ${at.text} FROM operation
      WHERE "operationId" = operation."id" AND "name" = ${at.step})`,
  ]
  // A step that checks every second waits for the same thing each time; listeners are told only once.
  const written = at.told
    ? (await ctx.deps.root.$queryRaw<unknown[]>`WITH ${Prisma.join(changes)} SELECT * FROM operation`)
        .length > 0
    : await appendOperationEvent(ctx, row, 'running', { progress: at.text }, changes, 'operation')
  if (!written) throw new LeaseLost()
}

const inMs = (ms: number) =>
  Prisma.sql`clock_timestamp() + ${Math.max(0, Math.round(ms))}::int * interval '1 millisecond'`

/** Writes values for later steps, and the host on which the operation works. */
export async function patchRow(
  ctx: Ctx,
  row: Row,
  holder: Holder | null,
  patch: { data?: Record<string, unknown>; hostId?: string },
): Promise<void> {
  const count = await ctx.deps.root.$executeRaw`UPDATE "Operation" SET
    "stateData" = COALESCE(${patch.data ? JSON.stringify(patch.data) : null}::jsonb, "stateData"),
    "hostId" = COALESCE(${patch.hostId ?? null}, "hostId") WHERE ${fence(row, holder)}`
  if (count === 0) throw new LeaseLost()
}

/** Writes the progress of the running step. */
export async function noteProgress(ctx: Ctx, row: Row, holder: Holder | null, text: string): Promise<void> {
  const note = Prisma.sql`note AS (UPDATE "OperationStep" SET "progress" = ${text} FROM mine
    WHERE "operationId" = mine."id" AND "state" = 'running' RETURNING 1)`
  await appendOperationEvent(ctx, row, row.state, { progress: text }, [mine(row, holder), note], 'note')
}

/** Marks a step as undone, or as failed when this version does not know its name any more. */
export async function markStep(
  ctx: Ctx,
  row: Row,
  holder: Holder | null,
  at: { step: string; state: 'undone' | 'failed'; error?: string },
): Promise<void> {
  const count = await ctx.deps.root
    .$executeRaw`WITH ${mine(row, holder)} UPDATE "OperationStep" SET "state" = ${at.state},
    "error" = COALESCE(${at.error ?? null}, "error"), "finishedAt" = COALESCE("finishedAt", clock_timestamp())
    FROM mine WHERE "operationId" = mine."id" AND "name" = ${at.step}`
  if (count === 0) throw new LeaseLost()
}
