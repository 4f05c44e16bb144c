import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, listScope, visible } from '../kernel/context.ts'
import type { OperationView, Page } from '../kernel/contract.ts'
import { notFound } from '../kernel/errors.ts'
import { findOperation, pageOfOperations } from '../kernel/history.ts'
import { containing } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { timeFilter } from './audit.ts'
import type { operationListInput } from './contract.ts'
import { operationView } from './view.ts'

/** Lists operations with their steps, newest first, in a constant number of queries. */
export async function listOperations(
  ctx: Ctx,
  input: z.output<typeof operationListInput>,
): Promise<Page<OperationView>> {
  const scope = listScope(ctx, input)
  authorize(ctx, 'operations:list', scope)
  const where: Prisma.OperationWhereInput = {
    AND: [scope, input.projectId === undefined ? {} : { projectId: input.projectId }],
    ...(input.actorId === undefined ? {} : { actorId: input.actorId }),
    ...timeFilter('createdAt', input),
    ...(input.resourceKind ? { resourceKind: input.resourceKind } : {}),
    ...(input.resourceId ? { resourceId: input.resourceId } : {}),
    ...(input.state ? { state: input.state } : {}),
    ...(input.action ? { action: input.action } : {}),
    ...(input.search ? { resourceName: containing(input.search) } : {}),
  }
  const page = await pageOfOperations(ctx, input, where)
  return { ...page, items: page.items.map((row) => operationView(ctx, row)) }
}

export async function getOperation(ctx: Ctx, input: { id: string }): Promise<OperationView> {
  const row = await findOperation(ctx, { id: input.id, ...visible(ctx) })
  if (!row) throw notFound('operation', input.id)
  authorize(ctx, 'operations:get', row)
  return operationView(ctx, row)
}
