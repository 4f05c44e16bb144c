import type { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { CloudError } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import type { Run, Wait, Workflow } from '../kernel/workflow.ts'
import { heard } from './heard.ts'
import { forgetNetwork } from './networks/service.ts'
import { setPortStates, settleRouted } from './ports/outcomes.ts'
import { forgetRouter } from './routers/service.ts'

const minute = 60_000
/**
 * A change of many ports on many hosts is many calls of a fraction of a second each; a silent host costs seconds
 * (kernel/hosts.ts). What has not been told by the deadline is told by the reconciler.
 */
const deadlineMs = { apply: 10 * minute, delete: 5 * minute }

/**
 * The hosts' part of a change that is in the database already. Each run states the whole wish, so there is nothing to
 * undo: a failure is shown on the resource, and the reconciler tries again.
 */
function applying(
  action: string,
  title: string,
  work: (run: Run<unknown>) => Promise<Wait | undefined>,
  failed: (run: Run<unknown>, error: CloudError) => Promise<void> = async () => undefined,
): Workflow {
  return {
    action,
    deadlineMs: deadlineMs.apply,
    steps: [{ name: 'apply', title, run: work }],
    onFailed: failed,
  }
}

const networkApply = applying(
  'network.apply',
  'Telling the hosts',
  async (run) => {
    const ports = (run.input as { ports?: boolean }).ports
      ? await boundOn(run, { networkId: run.resourceId })
      : []
    const wait = await heard(run, { network: [run.resourceId], port: ports })
    if (wait) return wait
    await mark(run, 'network', 'active')
  },
  (run) => mark(run, 'network'),
)
const routerApply = applying(
  'router.apply',
  'Setting up the router',
  async (run) => {
    const wait = await heard(run, { router: [run.resourceId] })
    if (wait) return wait
    await inTransaction(run.ctx, (tx) => settleRouted(tx, [run.resourceId]))
    await mark(run, 'router', 'active')
  },
  (run) => mark(run, 'router'),
)
const groupApply = applying('securityGroup.apply', 'Changing the filters of its ports', async (run) =>
  heard(run, { port: await boundOn(run, { securityGroups: { some: { groupId: run.resourceId } } }) }),
)
/** Waits for the port's host, and for every host where a rule names a group that the port is or was in. */
const portHeard = async (run: Run<unknown>) => {
  const rows = await run.ctx.deps.root.portSecurityGroup.findMany({ where: { portId: run.resourceId } })
  const before = (run.input as { groupIds?: string[] }).groupIds ?? []
  return heard(run, {
    port: [run.resourceId],
    addressSet: [...new Set([...before, ...rows.map((row) => row.groupId)])],
  })
}
const portFailed = async (run: Run<unknown>, error: CloudError): Promise<void> => {
  const port = await run.ctx.deps.root.port.findUnique({ where: { id: run.resourceId } })
  if (port?.hostId)
    await setPortStates(run.ctx, [{ id: port.id, state: 'error', errorMessage: error.message, on: null }])
}
const portCreate = applying('port.create', 'Adding it to its groups', portHeard, portFailed)
const portApply = applying('port.apply', 'Changing the filters of the port', portHeard, portFailed)
const portDelete = applying('port.delete', 'Taking it out of its groups', (run) => {
  const { groupIds, routerIds } = run.input as { groupIds: string[]; routerIds: string[] }
  return heard(run, { addressSet: groupIds, router: routerIds })
})
const floatingIpApply = applying(
  'floatingIp.apply',
  'Changing the router',
  async (run) => {
    const { routerId } = run.input as { routerId: string | null }
    if (!routerId) return
    const wait = await heard(run, { router: [routerId] })
    if (!wait) await inTransaction(run.ctx, (tx) => settleRouted(tx, [routerId]))
    return wait
  },
  (run) => markFloatingIp(run),
)

/** Deletes the rows first: from then on the hosts' documents say that the thing must not be there. */
function deleting(kind: 'network' | 'router', forget: (ctx: Ctx, id: string) => Promise<void>): Workflow {
  return {
    action: `${kind}.delete`,
    deadlineMs: deadlineMs.delete,
    steps: [
      { name: 'rows', title: 'Forgetting it', run: (run) => forget(run.ctx, run.resourceId) },
      {
        name: 'hosts',
        title: 'Removing it from the hosts',
        run: (run) => heard(run, { [kind]: [run.resourceId] }, false),
      },
    ],
    onFailed: (run) => mark(run, kind),
  }
}

export const networkingWorkflows = [
  networkApply,
  routerApply,
  groupApply,
  portCreate,
  portApply,
  portDelete,
  floatingIpApply,
  deleting('network', forgetNetwork),
  deleting('router', forgetRouter),
]

async function boundOn(run: Run<unknown>, where: Prisma.PortWhereInput): Promise<string[]> {
  const rows = await run.ctx.deps.root.port.findMany({
    where: { ...where, hostId: { not: null } },
    select: { id: true },
  })
  return rows.map((row) => row.id)
}

/** Marks a floating IP as failed, unless it was taken off meanwhile: then the floating IP is free, like all others. */
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

/**
 * Sets the state `error`, in which the thing can be deleted or changed again; sets `active` only if the state was
 * `error`.
 */
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
