import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction, isAdmin } from '../../kernel/context.ts'
import type { Allowed } from '../../kernel/contract.ts'
import { CloudError, conflict, invariant, notFound } from '../../kernel/errors.ts'
import { continueOperationsOf, recordOperation, startOperation } from '../../kernel/workflow.ts'
import {
  type InstanceView,
  instanceCan,
  type instanceUpdateInput,
  notBuilt,
  type rebootInput,
  type TaskState,
} from '../contract.ts'
import {
  demandState,
  type InstanceRow,
  loadInstance,
  moveState,
  noFault,
  noteInstance,
} from './instance-row.ts'
import { machineOf } from './machine.ts'
import { viewOne } from './view.ts'

type Stateful = Parameters<typeof instanceCan.start>[0]
type Action = {
  policy: string
  /** Name of the workflow to start. */
  workflow: string
  can: (instance: Stateful) => Allowed
  task: TaskState
  input?: Prisma.InputJsonObject
}

/**
 * Checks the state, marks the instance busy and queues the workflow, all in one transaction. Of two concurrent actions
 * the second gets `conflict`, because the update depends on the state that was checked. An action that needs a machine
 * that is known not to answer gets `conflict`, too: the action would fail, and nobody would hear of the failure.
 */
async function act(ctx: Ctx, id: string, action: Action): Promise<InstanceView> {
  await inTransaction(ctx, async (tx) => {
    const row = await loadInstance(tx, action.policy, id)
    demandState(ctx, action.can, { ...row, machine: await machineOf(tx, row) })
    const operationId = crypto.randomUUID()
    const won = await moveState(tx, row, { taskState: action.task }, operationId)
    if (!won) throw conflict('Another action on this instance was faster. Look at its state and try again.')
    await startOperation(tx, {
      ...historyOf(row, action.workflow),
      id: operationId,
      hostId: row.hostId,
      input: action.input,
    })
  })
  return viewOne(ctx, id)
}

const historyOf = (row: InstanceRow, action: string) => ({
  action,
  resourceKind: 'instance',
  resourceId: row.id,
  resourceName: row.name,
  projectId: row.projectId,
})

/** Starts an instance: stopped → active. */
export const startInstance = (ctx: Ctx, input: { id: string }) =>
  act(ctx, input.id, {
    policy: 'compute:start_instance',
    workflow: 'instance.start',
    can: (i) => built(i) ?? instanceCan.start(i),
    task: 'powering-on',
  })

/** Stops an instance: active → stopped, by the ACPI power button, then by switching the guest off after 30 s. */
export const stopInstance = (ctx: Ctx, input: { id: string }) =>
  act(ctx, input.id, {
    policy: 'compute:stop_instance',
    workflow: 'instance.stop',
    can: (i) => built(i) ?? instanceCan.stop(i),
    task: 'powering-off',
  })

/** Reboots an instance. soft: the guest restarts itself; hard: a new process, also from stopped, paused and error. */
export const rebootInstance = (ctx: Ctx, input: z.output<typeof rebootInput>) =>
  act(ctx, input.id, {
    policy: 'compute:reboot_instance',
    workflow: 'instance.reboot',
    can: (i) => built(i) ?? (input.kind === 'hard' ? instanceCan.rebootHard(i) : instanceCan.rebootSoft(i)),
    task: input.kind === 'hard' ? 'rebooting_hard' : 'rebooting',
    input: { kind: input.kind },
  })

export const pauseInstance = (ctx: Ctx, input: { id: string }) =>
  act(ctx, input.id, {
    policy: 'compute:pause_instance',
    workflow: 'instance.pause',
    can: instanceCan.pause,
    task: 'pausing',
  })

export const unpauseInstance = (ctx: Ctx, input: { id: string }) =>
  act(ctx, input.id, {
    policy: 'compute:unpause_instance',
    workflow: 'instance.unpause',
    can: instanceCan.unpause,
    task: 'unpausing',
  })

/**
 * The reason why an instance cannot be switched on after a failed build, which left nothing on any host; otherwise
 * null.
 */
function built(i: Stateful): string | null {
  return i.vmState === 'error' && i.hostId === null ? notBuilt : null
}

/**
 * Deletes an instance in any state, also in the middle of a build, which notices the deletion and gives up. Asking
 * twice is no error. The instance stays visible as deleting until all its parts are gone.
 */
export async function deleteInstance(
  ctx: Ctx,
  input: { id: string; releasePublicIp?: boolean },
): Promise<InstanceView> {
  await inTransaction(ctx, async (tx) => {
    const row = await loadInstance(tx, 'compute:delete_instance', input.id)
    if (row.taskState === 'deleting') return
    demandState(ctx, instanceCan.delete, row)
    await markDeleting(tx, row, input.releasePublicIp ?? true)
  })
  return viewOne(ctx, input.id)
}

/**
 * Marks the instance as deleting. The row is locked instead of compared, because a build changes the task state
 * meanwhile. A floating IP that does not belong to the instance any more stays when the instance is deleted.
 */
async function markDeleting(tx: Ctx, seen: InstanceRow, releasePublicIp: boolean): Promise<void> {
  await tx.db.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${seen.id}::uuid FOR UPDATE`
  const row = await loadInstance(tx, 'compute:delete_instance', seen.id)
  if (row.taskState === 'deleting') return
  const operationId = crypto.randomUUID()
  const patch = { taskState: 'deleting' as const, ...(releasePublicIp ? {} : { floatingIpId: null }) }
  const won = await moveState(tx, row, patch, operationId)
  invariant(won, 'a locked row changed')
  await tx.db.consoleToken.deleteMany({ where: { instanceId: row.id, usedAt: null } })
  // An operation that waits for the guest (a stop, a build) must notice that waiting is useless now.
  await continueOperationsOf(tx, 'instance', row.id)
  await startOperation(tx, { ...historyOf(row, 'instance.delete'), id: operationId, hostId: row.hostId })
}

/** Changes name and description. The host name of the guest stays the name of the launch. */
export async function updateInstance(
  ctx: Ctx,
  input: z.output<typeof instanceUpdateInput>,
): Promise<InstanceView> {
  await inTransaction(ctx, async (tx) => {
    const row = await loadInstance(tx, 'compute:update_instance', input.id)
    const { id, ...data } = input
    const { count } = await tx.db.instance.updateMany({ where: { id, projectId: row.projectId }, data })
    if (count === 0) throw notFound('instance', id)
    const operationId = crypto.randomUUID()
    await recordOperation(tx, {
      ...historyOf({ ...row, name: data.name ?? row.name }, 'instance.update'),
      id: operationId,
    })
    await noteInstance(tx, row, 'updated', operationId)
  })
  return viewOne(ctx, input.id)
}

/**
 * Locks an instance. Until somebody unlocks the instance, only an administrator changes it. Locking twice is no error.
 */
export async function lockInstance(ctx: Ctx, input: { id: string; reason: string | null }): Promise<void> {
  await mark(ctx, 'compute:lock_instance', input.id, 'instance.lock', (row) => {
    if (row.locked && row.lockedByAdmin && !isAdmin(ctx)) throw adminsLock()
    return { locked: true, lockedReason: input.reason, lockedByAdmin: isAdmin(ctx) }
  })
}

export async function unlockInstance(ctx: Ctx, input: { id: string }): Promise<void> {
  await mark(ctx, 'compute:unlock_instance', input.id, 'instance.unlock', (row) => {
    if (row.locked && row.lockedByAdmin && !isAdmin(ctx)) throw adminsLock()
    return { locked: false, lockedReason: null, lockedByAdmin: false }
  })
}
const adminsLock = () =>
  new CloudError(
    'forbidden',
    'An administrator has locked this instance, so only an administrator can unlock it.',
  )

/**
 * Resets an instance that is stuck: marks it as active (and free) or as in error; for administrators. Within seconds
 * the host is asked again, and the host decides the state of an instance that should be active.
 */
export async function resetInstance(ctx: Ctx, input: { id: string; to: 'active' | 'error' }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await loadInstance(tx, 'compute:reset_instance', input.id)
    if (input.to === 'active' && row.hostId === null) throw conflict(notBuilt)
    const operationId = crypto.randomUUID()
    const patch =
      input.to === 'active'
        ? { vmState: 'active' as const, taskState: null, ...noFault }
        : { vmState: 'error' as const, taskState: null }
    if (!(await moveState(tx, row, patch, operationId)))
      throw conflict('Another action on this instance was faster. Look at its state and try again.')
    await recordOperation(tx, {
      ...historyOf(row, 'instance.reset'),
      id: operationId,
      input: { to: input.to },
    })
  })
}

/** Changes only the row, with history and event; the change is complete when the request ends. */
async function mark(
  ctx: Ctx,
  policy: string,
  id: string,
  action: string,
  patch: (row: InstanceRow) => Prisma.InstanceUpdateInput,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${id}::uuid FOR UPDATE`
    const row = await loadInstance(tx, policy, id)
    await tx.db.instance.update({ where: { id: row.id }, data: patch(row) })
    const operationId = crypto.randomUUID()
    await recordOperation(tx, { ...historyOf(row, action), id: operationId })
    await noteInstance(tx, row, 'updated', operationId)
  })
}
