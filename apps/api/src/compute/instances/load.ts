import type { Prisma } from '@stratolith/db'
import { type Ctx, isAdmin, visible } from '../../kernel/context.ts'
import type { Allowed } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import type { TaskState, VmState } from '../contract.ts'

/** An instance's row with the words of the contract instead of plain strings. */
export type InstanceRow = Omit<Prisma.InstanceGetPayload<object>, 'vmState' | 'taskState'> & {
  vmState: VmState
  taskState: TaskState | null
}
export const typed = (row: Prisma.InstanceGetPayload<object>): InstanceRow => ({
  ...row,
  vmState: row.vmState as VmState,
  taskState: row.taskState as TaskState | null,
})

/** Fetches by (project, id) and authorizes; what the caller may not see is not_found (R1, R2). */
export async function loadInstance(ctx: Ctx, action: string, id: string): Promise<InstanceRow> {
  const row = await ctx.db.instance.findFirst({ where: { id, ...visible(ctx) } })
  if (!row || row.vmState === 'deleted') throw notFound('instance', id)
  authorize(ctx, action, row)
  return typed(row)
}

type Patch = Pick<
  Prisma.InstanceUncheckedUpdateManyInput,
  | 'vmState'
  | 'taskState'
  | 'powerState'
  | 'hostId'
  | 'launchedAt'
  | 'faultCode'
  | 'faultMessage'
  | 'faultDetail'
  | 'faultAt'
  | 'floatingIpId'
>
export const noFault = { faultCode: null, faultMessage: null, faultDetail: null, faultAt: null }

/**
 * The only way a state changes: a conditional update on the generation that the decision was made
 * on, so that of two concurrent changes one wins and the other learns it. Appends the event in the
 * same transaction. Returns whether it won; `ctx.db` is a transaction.
 */
export async function moveState(
  ctx: Ctx,
  row: Pick<InstanceRow, 'id' | 'projectId' | 'generation'>,
  patch: Patch,
  operationId?: string,
): Promise<boolean> {
  const { count } = await ctx.db.instance.updateMany({
    where: { id: row.id, generation: row.generation },
    data: { ...patch, generation: { increment: 1 } },
  })
  if (count === 0) return false
  await noteInstance(ctx, row, 'updated', operationId, {
    ...(patch.vmState === undefined ? {} : { vmState: patch.vmState }),
    ...(patch.taskState === undefined ? {} : { taskState: patch.taskState }),
  })
  return true
}

export async function noteInstance(
  ctx: Ctx,
  row: Pick<InstanceRow, 'id' | 'projectId'>,
  what: 'created' | 'updated' | 'deleted',
  operationId?: string,
  data: Record<string, unknown> = {},
): Promise<void> {
  await appendEvent(ctx, {
    kind: `instance.${what}`,
    projectId: row.projectId,
    resourceKind: 'instance',
    resourceId: row.id,
    operationId,
    data,
  })
}

/** Throws the sentence of the contract's table. A lock does not bind administrators. */
export function demand(
  ctx: Ctx,
  can: (i: { vmState: VmState; taskState: TaskState | null; locked: boolean }) => Allowed,
  row: InstanceRow,
): void {
  const allowed = can({ ...row, locked: row.locked && !isAdmin(ctx) })
  if (allowed !== true) throw conflict(allowed)
}
