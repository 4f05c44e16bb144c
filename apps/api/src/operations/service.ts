import type { z } from 'zod'
import { type Ctx, visible } from '../kernel/context.ts'
import type { OperationView, Page } from '../kernel/contract.ts'
import { notFound } from '../kernel/errors.ts'
import { cursorText, headCursor } from '../kernel/event-log.ts'
import { deletedAmong, findOperation } from '../kernel/history.ts'
import { askOf, pageView } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import type { operationListInput } from './contract.ts'
import { queryOperations, sortableOperations } from './queries.ts'
import { operationView } from './view.ts'

/** Lists operations with their steps, newest first, in a constant number of queries. */
export async function listOperations(
  ctx: Ctx,
  input: z.output<typeof operationListInput>,
): Promise<Page<OperationView>> {
  const slice = await queryOperations(ctx, { where: input, ...askOf(input, sortableOperations) })
  const isDeleted = await deletedAmong(ctx, slice.rows)
  return pageView(
    slice,
    slice.rows.map((row) => operationView(ctx, row, isDeleted(row))),
  )
}

export async function getOperation(ctx: Ctx, input: { id: string }): Promise<OperationView> {
  const row = await findOperation(ctx, { id: input.id, ...visible(ctx) })
  if (!row) throw notFound('operation', input.id)
  authorize(ctx, 'operations:get', row)
  return operationView(ctx, row, (await deletedAmong(ctx, [row]))(row))
}

/** Returns the cursor after which the events come that happen from now on. */
export async function eventPosition(ctx: Ctx): Promise<string> {
  authorize(ctx, 'operations:position')
  return cursorText(await headCursor(ctx.db))
}
