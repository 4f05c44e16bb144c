import { Prisma } from '@stratolith/db'
import { type Ctx, isAdmin, visible } from '../../kernel/context.ts'
import type { Allowed } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { appendEvent, appendEventsWith, type NewEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import type { instanceCan, TaskState, VmState } from '../contract.ts'

/** An instance's row with the words of the contract instead of plain strings. */
export type InstanceRow = Omit<Prisma.InstanceGetPayload<object>, 'vmState' | 'taskState'> & {
  vmState: VmState
  taskState: TaskState | null
}
export const asInstanceRow = (row: Prisma.InstanceGetPayload<object>): InstanceRow => ({
  ...row,
  vmState: row.vmState as VmState,
  taskState: row.taskState as TaskState | null,
})

/** The pattern of an id: a query with any other text ends in an error of PostgreSQL. */
export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Loads an instance by project and id, and authorizes; an instance that the caller may not see is not_found (R1, R2).
 */
export async function loadInstance(ctx: Ctx, action: string, id: string): Promise<InstanceRow> {
  const row = await ctx.db.instance.findFirst({ where: { id, ...visible(ctx) } })
  if (!row || row.vmState === 'deleted') throw notFound('instance', id)
  authorize(ctx, action, row)
  return asInstanceRow(row)
}

/** The columns that may change with a state, and their types in PostgreSQL. */
const columns = {
  vmState: 'text',
  taskState: 'text',
  powerState: 'int',
  hostId: 'uuid',
  zone: 'text',
  launchedAt: 'timestamptz',
  faultCode: 'int',
  faultMessage: 'text',
  faultDetail: 'text',
  faultAt: 'timestamptz',
  floatingIpId: 'uuid',
  adminPass: 'text',
} as const
type Column = keyof typeof columns
type Patch = Partial<Pick<InstanceRow, Column>>
export const noFault = { faultCode: null, faultMessage: null, faultDetail: null, faultAt: null }

/**
 * Changes the state of an instance; no other function does. The update depends on the generation on which the decision
 * was made, so that of two concurrent changes one succeeds and the other learns that it failed. The same statement
 * writes the event. Returns whether the change succeeded.
 */
export function moveState(
  ctx: Ctx,
  row: Pick<InstanceRow, 'id' | 'projectId' | 'generation'>,
  patch: Patch,
  operationId?: string,
): Promise<boolean> {
  const values = (Object.keys(columns) as Column[])
    .filter((column) => patch[column] !== undefined)
    .map(
      (column) => Prisma.sql`${Prisma.raw(`"${column}"`)} = ${patch[column]}::${Prisma.raw(columns[column])}`,
    )
  const moved = Prisma.sql`moved AS (
    UPDATE "Instance" SET ${Prisma.join([...values, Prisma.sql`"generation" = "generation" + 1`])}, "updatedAt" = ${new Date()}::timestamptz
    WHERE "id" = ${row.id}::uuid AND "generation" = ${row.generation}::int RETURNING 1)`
  const data = {
    ...(patch.vmState === undefined ? {} : { vmState: patch.vmState }),
    ...(patch.taskState === undefined ? {} : { taskState: patch.taskState }),
  }
  return appendEventsWith(ctx, [instanceEvent(row, 'updated', operationId, data)], [moved], 'moved')
}

/** Appends the event of a change of an instance. Call this in the transaction of the change. */
export async function noteInstance(
  ctx: Ctx,
  row: Pick<InstanceRow, 'id' | 'projectId'>,
  what: 'created' | 'updated' | 'deleted',
  operationId?: string,
  data: Record<string, unknown> = {},
): Promise<void> {
  await appendEvent(ctx, instanceEvent(row, what, operationId, data))
}

export const instanceEvent = (
  row: Pick<InstanceRow, 'id' | 'projectId'>,
  what: 'created' | 'updated' | 'deleted',
  operationId: string | undefined,
  data: Record<string, unknown>,
): NewEvent => ({
  kind: `instance.${what}`,
  projectId: row.projectId,
  resourceKind: 'instance',
  resourceId: row.id,
  operationId,
  data,
})

type Stateful = Parameters<typeof instanceCan.start>[0]
/**
 * Throws a conflict with the sentence of the table of states when the action is not allowed. A lock does not bind
 * administrators.
 */
export function demandState(ctx: Ctx, can: (i: Stateful) => Allowed, row: Stateful): void {
  const allowed = can({ ...row, locked: row.locked && !isAdmin(ctx) })
  if (allowed !== true) throw conflict(allowed)
}
