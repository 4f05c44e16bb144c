import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { projectNames, userNames } from '../identity/service.ts'
import { type Ctx, listScope } from '../kernel/context.ts'
import { lastNamesOf, newestEvents } from '../kernel/history.ts'
import { likeLiteral } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { operationBegun } from '../kernel/workflow.ts'
import type { AuditPage, AuditRow, auditListInput } from './contract.ts'

/**
 * What nobody did: the room on hosts and machines that fall silent; and what became of an operation, which its
 * own history has (that somebody began it is shown).
 */
export const shown: Prisma.EventWhereInput = {
  kind: { notIn: ['operation.updated', 'host.room', 'machine.updated'] },
  NOT: { operationId: { not: null }, kind: { endsWith: '.updated' } },
}

/**
 * The event log as people read it, newest first: every change with who, when, where and the request
 * that made it. Five queries.
 */
export async function listAudit(ctx: Ctx, input: z.output<typeof auditListInput>): Promise<AuditPage> {
  const scope = listScope(ctx, input)
  authorize(ctx, 'operations:list', scope)
  const where: Prisma.EventWhereInput = {
    AND: [
      shown,
      scope,
      input.projectId === undefined ? {} : { projectId: input.projectId },
      input.kind ? ofKind(input.kind) : {},
    ],
    ...(input.resourceId === undefined ? {} : { resourceId: input.resourceId }),
    ...(input.actorId === undefined ? {} : { actorId: input.actorId }),
    ...(input.marker === undefined ? {} : { id: { lt: BigInt(input.marker) } }),
    ...timeFilter('at', input),
  }
  const rows = await newestEvents(ctx, where, input.limit + 1)
  const page = rows.slice(0, input.limit)
  const names = await namesOf(ctx, page)
  const items = page.map(
    (row): AuditRow => ({
      id: String(row.id),
      at: row.at.toISOString(),
      kind: row.kind,
      resourceKind: row.resourceKind,
      resourceId: row.resourceId,
      resourceName: names.resources.get(row.resourceId) ?? null,
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

/** Events of that kind; of a kind of things ("instance.") also the operations on them. */
const ofKind = (kind: string): Prisma.EventWhereInput => {
  const own = { kind: { startsWith: likeLiteral(kind) } }
  if (!kind.endsWith('.')) return own
  return { OR: [own, { kind: operationBegun, resourceKind: kind.slice(0, -1) }] }
}

type Named = { resourceKind: string; resourceId: string; projectId: string | null; actorId: string | null }

async function namesOf(ctx: Ctx, rows: Named[]) {
  const ids = (values: (string | null)[]) => [...new Set(values.filter((id) => id !== null))]
  const [projects, users, resources] = await Promise.all([
    projectNames(ctx, ids(rows.map((row) => row.projectId))),
    userNames(ctx, ids(rows.map((row) => row.actorId))),
    lastNamesOf(ctx, rows),
  ])
  return { projects, users, resources }
}

/** Where-fragment for a column of time between two ISO times, both included. */
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
