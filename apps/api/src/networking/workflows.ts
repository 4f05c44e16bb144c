import { inTransaction } from '../kernel/context.ts'
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
} from './apply.ts'
import { forgetNetwork } from './networks/service.ts'
import { forgetRouter } from './routers/service.ts'

/**
 * The hosts' part of a change that is in the database already. It states the whole wish each time,
 * so there is nothing to undo: a failure is shown on the resource and the reconciler tries on.
 */
function applying(
  action: string,
  title: string,
  work: (run: Run<unknown>) => Promise<void>,
  failed: (run: Run<unknown>) => Promise<void> = async () => undefined,
): void {
  defineWorkflow({ action, steps: [{ name: 'apply', title, run: work }], onFailed: failed })
}

applying(
  'network.apply',
  'Telling the hosts',
  (run) => applyNetwork(run.ctx, run.op, run.resourceId),
  (run) => mark(run, 'network'),
)
applying(
  'router.apply',
  'Setting up the router',
  (run) => applyRouter(run.ctx, run.op, run.resourceId),
  (run) => mark(run, 'router'),
)
applying('securityGroup.apply', 'Changing the filters of its ports', (run) =>
  applyGroup(run.ctx, run.op, run.resourceId),
)
applying('port.apply', 'Changing the filters of the port', async (run) => {
  const port = await run.ctx.deps.root.port.findUnique({
    where: { id: run.resourceId },
    include: { securityGroups: true },
  })
  if (!port) return
  if (port.hostId) await applyPort(run.ctx, run.op, port.id)
  // Groups that the port was in, too: their members changed.
  const before = (run.input as { groupIds?: string[] }).groupIds ?? []
  await applyMemberships(run.ctx, run.op, [
    ...new Set([...before, ...port.securityGroups.map((s) => s.groupId)]),
  ])
})
applying('floatingIp.apply', 'Changing the router', async (run) => {
  const { routerId } = run.input as { routerId: string | null }
  if (routerId) await applyRouter(run.ctx, run.op, routerId)
})

defineWorkflow({
  action: 'network.delete',
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

/** The state `error`, which can be deleted or applied again. */
async function mark(run: Run<unknown>, kind: 'network' | 'router'): Promise<void> {
  await inTransaction(run.ctx, async (tx) => {
    const args = { where: { id: run.resourceId }, data: { state: 'error' } }
    const { count } =
      kind === 'network' ? await tx.db.network.updateMany(args) : await tx.db.router.updateMany(args)
    if (count === 0) return
    const row =
      kind === 'network'
        ? await tx.db.network.findUnique({ where: { id: run.resourceId } })
        : await tx.db.router.findUnique({ where: { id: run.resourceId } })
    await appendEvent(tx, {
      kind: `${kind}.updated`,
      projectId: row?.projectId ?? null,
      resourceKind: kind,
      resourceId: run.resourceId,
    })
  })
}
