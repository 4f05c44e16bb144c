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
  /** Workflow to start. */
  workflow: string
  can: (instance: Stateful) => Allowed
  task: TaskState
  input?: Prisma.InputJsonObject
}

/**
 * Checks, marks the instance busy and queues the workflow, in one transaction. Of two concurrent
 * actions the second gets `conflict`: the update is conditional on what was checked. So does whoever asks
 * for what a machine must do that is known not to answer: it would fail, and nobody would hear of it.
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

/** Stopped → active. */
export const startInstance = (ctx: Ctx, input: { id: string }) =>
  act(ctx, input.id, {
    policy: 'compute:start_instance',
    workflow: 'instance.start',
    can: (i) => built(i) ?? instanceCan.start(i),
    task: 'powering-on',
  })

/** Active → stopped: the ACPI button, then off after 30 s. */
export const stopInstance = (ctx: Ctx, input: { id: string }) =>
  act(ctx, input.id, {
    policy: 'compute:stop_instance',
    workflow: 'instance.stop',
    can: (i) => built(i) ?? instanceCan.stop(i),
    task: 'powering-off',
  })

/** soft: the guest restarts itself. hard: a new process, also out of stopped, paused and error. */
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

/** A failed build left nothing on any host: there is nothing to switch on. */
function built(i: Stateful & { hostId?: string | null }): string | null {
  return i.vmState === 'error' && i.hostId === null
    ? 'Its build failed, so there is nothing to switch on. Delete it and launch again.'
    : null
}

/**
 * From any state, also in the middle of a build: the build notices and gives up. Asking twice is
 * no error. The instance stays visible (deleting) until everything of it is gone.
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
 * A build moves its own task state meanwhile, so the row is locked instead of compared. A floating IP that is not the
 * instance's own any more stays when the instance goes.
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
  // Whatever waits for the guest (a stop, a build) notices that it waits in vain.
  await continueOperationsOf(tx, 'instance', row.id)
  await startOperation(tx, { ...historyOf(row, 'instance.delete'), id: operationId, hostId: row.hostId })
}

/** Name and description. The guest's own host name stays as it was launched. */
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

/** Nobody but an administrator (or its own opener) changes a locked instance. Locking twice is no error. */
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
 * For administrators, when an instance is stuck: says that it is active (and free) or in error. The
 * host is asked again within seconds and has the last word about one that should be active.
 */
export async function resetInstance(ctx: Ctx, input: { id: string; to: 'active' | 'error' }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await loadInstance(tx, 'compute:reset_instance', input.id)
    if (input.to === 'active' && row.hostId === null)
      throw conflict('Its build failed and nothing of it is on any host: delete it and launch again.')
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

/** A change of the row alone that is over when the request is; with history and event. */
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
