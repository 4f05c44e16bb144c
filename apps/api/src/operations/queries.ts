import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, listScope } from '../kernel/context.ts'
import { noFollowUp } from '../kernel/events.ts'
import { type LoggedEvent, type OperationRow, pageOfEvents, pageOfOperations } from '../kernel/history.ts'
import { type Ask, containing, likeLiteral, type Order, type Slice, type Sortable } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { operationBegun } from '../kernel/workflow.ts'
import type { auditListInput, operationListInput } from './contract.ts'

type OperationWhere = Pick<
  z.output<typeof operationListInput>,
  | 'allProjects'
  | 'projectId'
  | 'actorId'
  | 'from'
  | 'to'
  | 'resourceKind'
  | 'resourceId'
  | 'state'
  | 'action'
  | 'search'
>

/** Operations with their steps as the portal and its exports list them; a constant number of queries. */
export function queryOperations(
  ctx: Ctx,
  { where, sort, page }: Ask<OperationWhere>,
): Promise<Slice<OperationRow>> {
  const scope = listScope(ctx, where)
  authorize(ctx, 'operations:list', scope)
  const { projectId, actorId, resourceKind, resourceId, state, action, search } = where
  const conditions: Prisma.OperationWhereInput[] = [
    scope,
    // '' is in the address of a list that is narrowed by nothing.
    { projectId, actorId, resourceKind: resourceKind || undefined },
    resourceId ? { OR: [{ resourceId }, { relatedId: resourceId }] } : {},
    { state, action: action || undefined },
    timeFilter('createdAt', where),
    search ? { resourceName: containing(search) } : {},
  ]
  return pageOfOperations(ctx, { where: { AND: conditions }, sort, page })
}

/** By what the portal sorts the history. */
export const sortableOperations: Sortable = {
  action: [{ field: 'action' }],
  resource: [{ field: 'resourceName' }],
  state: [{ field: 'state' }],
  createdAt: [{ field: 'createdAt' }],
}

/**
 * The condition for events that the audit log shows. It excludes events that nobody caused (room on hosts, machines
 * that fall silent) and the progress of operations, which is in their own history; the beginning of an operation is shown.
 */
export const shown: Prisma.EventWhereInput = {
  kind: { notIn: ['operation.updated', 'host.room', 'machine.updated'] },
  ...noFollowUp,
}

/** Events are numbered in the order of their time, so that the table's own key has the order of the log. */
export const newest: Order = [{ field: 'id', dir: 'desc' }]
export const sortableAudit: Sortable = { at: [{ field: 'id' }] }

type AuditWhere = Pick<
  z.output<typeof auditListInput>,
  'allProjects' | 'projectId' | 'actorId' | 'from' | 'to' | 'kind' | 'resourceId'
>

/** The events of the audit log. */
export function queryAudit(ctx: Ctx, { where, sort, page }: Ask<AuditWhere>): Promise<Slice<LoggedEvent>> {
  const scope = listScope(ctx, where)
  authorize(ctx, 'operations:list', scope)
  const { projectId, actorId, resourceId, kind } = where
  const conditions: Prisma.EventWhereInput[] = [
    shown,
    scope,
    { projectId, actorId, resourceId },
    kind ? ofKind(kind) : {},
    timeFilter('at', where),
  ]
  return pageOfEvents(ctx, { where: { AND: conditions }, sort, page })
}

/** The condition for events of a kind. A kind of things ("instance.") also includes operations on the things. */
function ofKind(kind: string): Prisma.EventWhereInput {
  const own = { kind: { startsWith: likeLiteral(kind) } }
  if (!kind.endsWith('.')) return own
  return { OR: [own, { kind: operationBegun, resourceKind: kind.slice(0, -1) }] }
}

/** The part of `where` for a column between two ISO times, both included. */
function timeFilter<Column extends string>(
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
