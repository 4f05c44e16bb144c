import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { projectNames, userNames } from '../directory/service.ts'
import { type Ctx, listScope } from '../kernel/context.ts'
import { noFollowUp } from '../kernel/events.ts'
import { deletedAmong, lastNamesOf, newestEvents } from '../kernel/history.ts'
import { authorize } from '../kernel/policy.ts'
import { operationBegun } from '../kernel/workflow.ts'
import type { AuditPage, AuditRow, auditListInput } from './contract.ts'

/**
 * The condition for events that the audit log shows. It excludes events that nobody caused (room on hosts, machines
 * that fall silent) and the progress of operations, which is in their own history; the beginning of an operation is shown.
 */
export const shown = Prisma.sql`e."kind" NOT IN ('operation.updated', 'host.room', 'machine.updated') AND ${noFollowUp}`

/**
 * The audit log, newest first: every change with its actor, time, project and the request
 * that made it, in six queries.
 */
export async function listAudit(ctx: Ctx, input: z.output<typeof auditListInput>): Promise<AuditPage> {
  const scope = listScope(ctx, input)
  authorize(ctx, 'operations:list', scope)
  const conditions = [
    shown,
    ...equal('projectId', scope.projectId),
    ...equal('projectId', input.projectId),
    ...equal('resourceId', input.resourceId),
    ...equal('actorId', input.actorId),
    ...(input.kind ? [ofKind(input.kind)] : []),
    ...(input.marker === undefined ? [] : [Prisma.sql`e."id" < ${BigInt(input.marker)}`]),
    ...(input.from === undefined ? [] : [Prisma.sql`e."at" >= ${new Date(input.from)}`]),
    ...(input.to === undefined ? [] : [Prisma.sql`e."at" <= ${new Date(input.to)}`]),
  ]
  const rows = await newestEvents(ctx, conditions, input.limit + 1)
  const page = rows.slice(0, input.limit)
  const names = await namesOf(ctx, page, scope.projectId)
  const items = page.map(
    (row): AuditRow => ({
      id: String(row.id),
      at: row.at.toISOString(),
      kind: row.kind,
      resourceKind: row.resourceKind,
      resourceId: row.resourceId,
      resourceName: names.resourceName(row),
      resourceDeleted: names.isDeleted(row),
      projectId: row.projectId,
      projectName: names.projects.get(row.projectId ?? '') ?? null,
      actorId: row.actorId,
      actorName: row.actorId === 'system' ? 'system' : (names.users.get(row.actorId ?? '') ?? null),
      requestId: row.requestId,
      globalRequestId: row.globalRequestId,
      operationId: row.operationId,
      data: row.data as Record<string, unknown>,
    }),
  )
  return {
    items,
    next: rows.length > input.limit ? (items.at(-1)?.id ?? null) : null,
    keptDays: ctx.deps.config.keep.eventsDays,
  }
}

const equal = (column: string, value: string | undefined): Prisma.Sql[] =>
  value === undefined ? [] : [Prisma.sql`${Prisma.raw(`e."${column}"`)} = ${value}`]

/** The condition for events of a kind. A kind of things ("instance.") also includes operations on the things. */
function ofKind(kind: string): Prisma.Sql {
  const own = Prisma.sql`starts_with(e."kind", ${kind})`
  if (!kind.endsWith('.')) return own
  return Prisma.sql`(${own} OR e."kind" = ${operationBegun} AND e."resourceKind" = ${kind.slice(0, -1)})`
}

type Named = { resourceKind: string; resourceId: string; projectId: string | null; actorId: string | null }

async function namesOf(ctx: Ctx, rows: Named[], projectId: string | undefined) {
  const ids = (values: (string | null)[]) => [...new Set(values.filter((id) => id !== null))]
  const [projects, users, resourceName, isDeleted] = await Promise.all([
    projectNames(ctx, ids(rows.map((row) => row.projectId))),
    userNames(ctx, ids(rows.map((row) => row.actorId))),
    lastNamesOf(ctx, rows, projectId),
    deletedAmong(ctx, rows),
  ])
  return { projects, users, resourceName, isDeleted }
}

/** The part of `where` for a column between two ISO times, both included. */
export function timeFilter<Column extends string>(
  column: Column,
  { from, to }: { from?: string; to?: string },
): { [key in Column]?: { gte?: Date; lte?: Date } } {
  if (from === undefined && to === undefined) return {}
  const range = {
    ...(from === undefined ? {} : { gte: new Date(from) }),
    ...(to === undefined ? {} : { lte: new Date(to) }),
  }
  return { [column]: range } as { [key in Column]?: { gte?: Date; lte?: Date } }
}
