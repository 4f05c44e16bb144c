import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, listScope, visible } from '../kernel/context.ts'
import type { OperationView, Page } from '../kernel/contract.ts'
import { notFound } from '../kernel/errors.ts'
import { cursorText, headCursor } from '../kernel/event-log.ts'
import { findOperation, type OperationRow, pageOfOperations } from '../kernel/history.ts'
import { type Ask, askOf, containing, pageView, type Slice, type Sortable } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { timeFilter } from './audit.ts'
import type { operationListInput } from './contract.ts'
import { operationView } from './view.ts'

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
    { projectId, actorId, resourceKind: resourceKind || undefined, resourceId: resourceId || undefined },
    { state, action: action || undefined },
    timeFilter('createdAt', where),
    search ? { resourceName: containing(search) } : {},
  ]
  return pageOfOperations(ctx, { where: { AND: conditions }, sort, page })
}

/** By what the portal sorts the history. */
const sortableOperations: Sortable = {
  action: [{ field: 'action' }],
  resource: [{ field: 'resourceName' }],
  state: [{ field: 'state' }],
  createdAt: [{ field: 'createdAt' }],
}

/** Lists operations with their steps, newest first, in a constant number of queries. */
export async function listOperations(
  ctx: Ctx,
  input: z.output<typeof operationListInput>,
): Promise<Page<OperationView>> {
  const slice = await queryOperations(ctx, { where: input, ...askOf(input, sortableOperations) })
  return pageView(
    slice,
    slice.rows.map((row) => operationView(ctx, row)),
  )
}

export async function getOperation(ctx: Ctx, input: { id: string }): Promise<OperationView> {
  const row = await findOperation(ctx, { id: input.id, ...visible(ctx) })
  if (!row) throw notFound('operation', input.id)
  authorize(ctx, 'operations:get', row)
  return operationView(ctx, row)
}

/** Returns the cursor after which the events come that happen from now on. */
export async function eventPosition(ctx: Ctx): Promise<string> {
  authorize(ctx, 'operations:position')
  return cursorText(await headCursor(ctx.db))
}
