import { Prisma } from '@stratolith/db'
import type { Ctx } from './context.ts'
import { type Ask, readPage, type Slice } from './page.ts'

/** Queries of operations and of the event log for the rooms, because both tables belong to the kernel. */
export type Resource = { resourceKind: string; resourceId: string }
const withSteps = { steps: { orderBy: { index: 'asc' } } } as const satisfies Prisma.OperationInclude
export type OperationRow = Prisma.OperationGetPayload<{ include: typeof withSteps }>

const notOver = ['queued', 'running', 'undoing'] as const
type Unfinished = (typeof notOver)[number]

/** A page of operations with their steps, in a constant number of queries. `where` must restrict them to what the caller may see. */
export const pageOfOperations = (
  ctx: Ctx,
  ask: Ask<Prisma.OperationWhereInput>,
): Promise<Slice<OperationRow>> => readPage<OperationRow>(ctx.db.operation, { ...ask, include: withSteps })

export const findOperation = (ctx: Ctx, where: Prisma.OperationWhereInput): Promise<OperationRow | null> =>
  ctx.db.operation.findFirst({ where, include: withSteps })

export type ActionsQuery = {
  limit: number
  /** The request id of the last action of the previous page. */
  marker?: string
  requestId?: string
  since?: Date
  before?: Date
}

/** The operations on a resource, newest first, with steps; null when the request `marker` has none. */
export async function actionsOn(
  ctx: Ctx,
  resource: Resource,
  { limit, marker, requestId, since, before }: ActionsQuery,
): Promise<Omit<OperationRow, 'explanation'>[] | null> {
  const last =
    marker === undefined
      ? null
      : await ctx.db.operation.findFirst({ where: { ...resource, requestId: marker }, select: { id: true } })
  if (marker !== undefined && !last) return null
  const { rows } = await readPage<Omit<OperationRow, 'explanation'>>(ctx.db.operation, {
    where: { ...resource, requestId, createdAt: { gte: since, lte: before } },
    sort: [{ field: 'createdAt', dir: 'desc' }],
    page: { limit, marker: last?.id },
    markerWithin: resource,
    include: withSteps,
    omit: { explanation: true },
  })
  return rows
}

/** The newest operation of an action on a resource, whether or not it is over. */
export async function lastOperation(
  ctx: Ctx,
  resource: Resource,
  action: string,
): Promise<{ input: unknown; createdAt: Date; actorName: string | null } | null> {
  return ctx.db.operation.findFirst({
    where: { ...resource, action },
    orderBy: { createdAt: 'desc' },
    select: { input: true, createdAt: true, actorName: true },
  })
}

/** The id of an operation that is not over (or is in one of these states); undefined when there is none. */
export async function operationUnderWay(
  { db }: Pick<Ctx, 'db'>,
  resource: Resource,
  action: string,
  states: readonly Unfinished[] = notOver,
): Promise<string | null> {
  const where = { ...resource, action, state: { in: [...states] } }
  return (await db.operation.findFirst({ where, select: { id: true } }))?.id ?? null
}

/** The SQL condition that an operation is under way on the resource with that id (an expression of type text). */
export const isUnderWay = (resourceKind: string, id: Prisma.Sql): Prisma.Sql => Prisma.sql`
  EXISTS (SELECT FROM "Operation" o WHERE o."resourceKind" = ${resourceKind} AND o."resourceId" = ${id}
    AND o."state" IN ('queued', 'running', 'undoing'))`

/** How many operations of the same action and project were begun before this one and still wait or run. */
export async function operationsAhead(
  { db }: Pick<Ctx, 'db'>,
  operationId: string,
  action: string,
): Promise<number> {
  const [ahead] = await db.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS "count" FROM "Operation" mine JOIN "Operation" o
      ON o."projectId" = mine."projectId" AND (o."createdAt", o."id") < (mine."createdAt", mine."id")
    WHERE mine."id" = ${operationId}::uuid AND o."action" = ${action} AND o."state" IN ('queued', 'running')`
  return ahead?.count ?? 0
}

/** Records how a decision of the operation was made. Call it in the transaction of the decision. */
export async function explainOperation(
  ctx: Ctx,
  id: string,
  explanation: Prisma.InputJsonValue,
): Promise<void> {
  await ctx.db.operation.update({ where: { id }, data: { explanation }, select: { id: true } })
}

/** The ids of operations that are not over but have no job that will end them, oldest first, at most 500. */
export async function lostOperations(ctx: Ctx): Promise<string[]> {
  const lost = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT o."id"::text AS "id" FROM "Operation" o
    LEFT JOIN graphile_worker.jobs j ON j.key = o."id"::text
    WHERE o."state" IN ('queued', 'running', 'undoing') AND o."createdAt" < clock_timestamp() - interval '1 minute'
      AND (j.id IS NULL OR (j.locked_at IS NULL AND (j.attempts >= j.max_attempts OR j.queue_name IS NULL)))
    ORDER BY o."createdAt" LIMIT 500`
  return lost.map((row) => row.id)
}

/** The present activity on a resource, in words, and the time since when. */
export type Activity = { title: string; startedAt: string }
export const waitingForItsTurn = 'Waiting for its turn'
const begun = 'Beginning'

/**
 * The present activities by resource, in one query: the title of the running step or, between two tries and during an
 * undo, the reason of the failure.
 */
export async function activitiesOf(
  ctx: Ctx,
  resourceKind: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Activity>> {
  const rows = await ctx.db.$queryRaw<{ resourceId: string; title: string; startedAt: Date }[]>`
    SELECT DISTINCT ON (o."resourceId") o."resourceId",
           CASE WHEN s."state" = 'running' THEN COALESCE(s."progress", s."title")
                WHEN o."state" <> 'queued' THEN COALESCE(s."title" || ': ' || s."error", s."title", ${begun})
                ELSE ${waitingForItsTurn} END AS "title",
           COALESCE(o."startedAt", o."createdAt") AS "startedAt"
    FROM "Operation" o LEFT JOIN LATERAL (
      SELECT * FROM "OperationStep" WHERE "operationId" = o."id" ORDER BY ("state" = 'running') DESC, "index" DESC LIMIT 1
    ) s ON true
    WHERE o."resourceKind" = ${resourceKind} AND o."resourceId" = ANY(${[...ids]}) AND o."state" IN ('queued', 'running', 'undoing')
    ORDER BY o."resourceId", (o."state" = 'queued'), o."createdAt" DESC`
  return new Map(
    rows.map((row) => [row.resourceId, { title: row.title, startedAt: row.startedAt.toISOString() }]),
  )
}

/** The names of resources as of the last operation on each, by id, in one query. A name may have changed since. */
export async function lastNamesOf(
  ctx: Ctx,
  resources: readonly Resource[],
  projectId?: string,
): Promise<(one: Resource) => string | null> {
  const things = distinct(resources)
  const rows = await ctx.db.$queryRaw<{ kind: string; id: string; name: string }[]>`
    SELECT t."kind", t."id", o."resourceName" AS "name"
    FROM unnest(${things.map((one) => one.resourceKind)}::text[], ${things.map((one) => one.resourceId)}::text[]) AS t ("kind", "id")
    CROSS JOIN LATERAL (${lastOperationSql(Prisma.sql`t."kind"`, Prisma.sql`t."id"`)}) o
    WHERE o."resourceName" <> '' AND ${projectId === undefined ? Prisma.sql`true` : Prisma.sql`o."projectId" = ${projectId}`}`
  const names = new Map(rows.map(({ kind, id, name }) => [`${kind} ${id}`, name]))
  return ({ resourceKind, resourceId }) => names.get(`${resourceKind} ${resourceId}`) ?? null
}

/** How many of a resource's newest events may tell of its deletion: the end of its operation comes after the deletion. */
const lastWords = 20

/** Which of these resources are deleted, by the newest events of each, in one query. A resource may be made again. */
export async function deletedAmong(
  ctx: Ctx,
  resources: readonly Resource[],
): Promise<(one: Resource) => boolean> {
  const things = distinct(resources)
  const rows = await ctx.db.$queryRaw<{ kind: string; id: string }[]>`
    SELECT t."kind", t."id"
    FROM unnest(${things.map((one) => one.resourceKind)}::text[], ${things.map((one) => one.resourceId)}::text[]) AS t ("kind", "id")
    CROSS JOIN LATERAL (SELECT l."kind" FROM (
      SELECT e."id", e."kind" FROM "Event" e WHERE e."resourceKind" = t."kind" AND e."resourceId" = t."id"
      ORDER BY e."id" DESC LIMIT ${lastWords}) l
      WHERE l."kind" IN (t."kind" || '.created', t."kind" || '.deleted') ORDER BY l."id" DESC LIMIT 1) last
    WHERE last."kind" = t."kind" || '.deleted'`
  const deleted = new Set(rows.map(({ kind, id }) => `${kind} ${id}`))
  return ({ resourceKind, resourceId }) => deleted.has(`${resourceKind} ${resourceId}`)
}

const distinct = (resources: readonly Resource[]): Resource[] => [
  ...new Map(resources.map((one) => [`${one.resourceKind} ${one.resourceId}`, one])).values(),
]

export type LoggedEvent = Prisma.EventGetPayload<object>
/** A page of events, in a constant number of queries. `where` must restrict them to what the caller may see. */
export const pageOfEvents = (ctx: Ctx, ask: Ask<Prisma.EventWhereInput>): Promise<Slice<LoggedEvent>> =>
  readPage<LoggedEvent>(ctx.db.event, ask)

/** The sub-select of the last operation on a resource that may be deleted. `kind` and `id` are expressions of type text. */
export const lastOperationSql = (kind: Prisma.Sql, id: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT "resourceName", "projectId" FROM "Operation"
  WHERE "resourceKind" = ${kind} AND "resourceId" = ${id} ORDER BY "createdAt" DESC LIMIT 1`
/** The sub-select of the last event of a resource that may be deleted. It looks for an event only where the condition `only` holds. */
export const lastEventSql = (kind: string, id: Prisma.Sql, only: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT "projectId", "data" FROM "Event"
  WHERE ${only} AND "resourceKind" = ${kind} AND "resourceId" = ${id} ORDER BY "id" DESC LIMIT 1`
