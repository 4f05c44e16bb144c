import { inTransaction } from '../kernel/context.ts'
import type { CloudError } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import type { Run } from '../kernel/workflow.ts'
import { defineWorkflow } from '../kernel/workflow.ts'
import {
  applyGroup,
  applyMemberships,
  applyNetwork,
  applyPort,
  applyRouter,
  removeNetworkFromHosts,
  removeRouterFromHosts,
  setPortState,
} from './apply.ts'
import { forgetNetwork } from './networks/service.ts'
import { forgetRouter } from './routers/service.ts'

const minute = 60_000
/**
 * A change of many ports on many hosts is many calls of a fraction of a second; a silent host costs
 * seconds (kernel/hosts.ts). What has not been told by then is told by the reconciler.
 */
const deadlineMs = { apply: 10 * minute, delete: 5 * minute }

/**
 * The hosts' part of a change that is in the database already. It states the whole wish each time,
 * so there is nothing to undo: a failure is shown on the resource and the reconciler tries on.
 */
function applying(
  action: string,
  title: string,
  work: (run: Run<unknown>) => Promise<void>,
  failed: (run: Run<unknown>, error: CloudError) => Promise<void> = async () => undefined,
): void {
  defineWorkflow({
    action,
    deadlineMs: deadlineMs.apply,
    steps: [{ name: 'apply', title, run: work }],
    onFailed: failed,
  })
}

applying(
  'network.apply',
  'Telling the hosts',
  async (run) => {
    await applyNetwork(run.ctx, run.op, run.resourceId, (run.input as { ports?: boolean }).ports)
    await mark(run, 'network', 'active')
  },
  (run) => mark(run, 'network'),
)
applying(
  'router.apply',
  'Setting up the router',
  async (run) => {
    await applyRouter(run.ctx, run.op, run.resourceId, (run.input as { left?: string[] }).left)
    await mark(run, 'router', 'active')
  },
  (run) => mark(run, 'router'),
)
applying('securityGroup.apply', 'Changing the filters of its ports', (run) =>
  applyGroup(run.ctx, run.op, run.resourceId),
)
/** The port on its host, and its groups (those that it was in, too) wherever a rule names them. */
const applyPortChange = async (run: Run<unknown>): Promise<void> => {
  const port = await run.ctx.deps.root.port.findUnique({
    where: { id: run.resourceId },
    include: { securityGroups: true },
  })
  if (!port) return
  if (port.hostId) await applyPort(run.ctx, run.op, port.id)
  const before = (run.input as { groupIds?: string[] }).groupIds ?? []
  await applyMemberships(run.ctx, run.op, [
    ...new Set([...before, ...port.securityGroups.map((s) => s.groupId)]),
  ])
}
const portFailed = async (run: Run<unknown>, error: CloudError): Promise<void> => {
  const port = await run.ctx.deps.root.port.findUnique({ where: { id: run.resourceId } })
  if (port?.hostId) await setPortState(run.ctx, port, 'error', error.message)
}
applying('port.create', 'Adding it to its groups', applyPortChange, portFailed)
applying('port.apply', 'Changing the filters of the port', applyPortChange, portFailed)
applying('port.delete', 'Taking it out of its groups', async (run) => {
  const { groupIds, routerIds } = run.input as { groupIds: string[]; routerIds: string[] }
  await applyMemberships(run.ctx, run.op, groupIds)
  for (const id of routerIds) await applyRouter(run.ctx, run.op, id)
})
applying(
  'floatingIp.apply',
  'Changing the router',
  async (run) => {
    const { routerId } = run.input as { routerId: string | null }
    if (routerId) await applyRouter(run.ctx, run.op, routerId)
  },
  (run) => markFloatingIp(run),
)

defineWorkflow({
  action: 'network.delete',
  deadlineMs: deadlineMs.delete,
  steps: [
    {
      name: 'hosts',
      title: 'Removing it from the hosts',
      run: (run) => removeNetworkFromHosts(run.ctx, run.op, run.resourceId),
    },
    { name: 'rows', title: 'Forgetting it', run: (run) => forgetNetwork(run.ctx, run.resourceId) },
  ],
  onFailed: (run) => mark(run, 'network'),
})
defineWorkflow({
  action: 'router.delete',
  deadlineMs: deadlineMs.delete,
  steps: [
    {
      name: 'hosts',
      title: 'Removing it from the hosts',
      run: (run) => removeRouterFromHosts(run.ctx, run.op, run.resourceId),
    },
    { name: 'rows', title: 'Forgetting it', run: (run) => forgetRouter(run.ctx, run.resourceId) },
  ],
  onFailed: (run) => mark(run, 'router'),
})

/** Not when it has been taken off meanwhile: then it is as free as another. */
async function markFloatingIp(run: Run<unknown>): Promise<void> {
  await inTransaction(run.ctx, async (tx) => {
    const [row] = await tx.db.floatingIp.updateManyAndReturn({
      where: { id: run.resourceId, portId: { not: null } },
      data: { state: 'error' },
    })
    if (!row) return
    await appendEvent(tx, {
      kind: 'floatingIp.updated',
      projectId: row.projectId,
      resourceKind: 'floatingIp',
      resourceId: row.id,
    })
  })
}

/** `error`, in which it can be deleted or applied again, and back when that went well. */
async function mark(run: Run<unknown>, kind: 'network' | 'router', state = 'error'): Promise<void> {
  await inTransaction(run.ctx, async (tx) => {
    const from = state === 'active' ? 'error' : undefined
    const args = { where: { id: run.resourceId, state: from }, data: { state } }
    const [row] =
      kind === 'network'
        ? await tx.db.network.updateManyAndReturn(args)
        : await tx.db.router.updateManyAndReturn(args)
    if (!row) return
    await appendEvent(tx, {
      kind: `${kind}.updated`,
      projectId: row.projectId,
      public: 'shared' in row && (row.shared || row.external),
      resourceKind: kind,
      resourceId: row.id,
    })
  })
}
