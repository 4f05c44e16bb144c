import type { z } from 'zod'
import { type Ctx, inTransaction, projectOf } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { CloudError, conflict } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { askOf, pageView, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import type {
  NetworkView,
  networkCreateInput,
  networkListInput,
  networkUpdateInput,
  starterNetworkInput,
} from '../contract.ts'
import { overlaps, parseCidr } from '../ipv4.ts'
import { ownerOf } from '../owner.ts'
import { setShared } from '../rbac/rows.ts'
import { addInterfaceRow, createRouterRow } from '../routers/rows.ts'
import { numbered } from '../states.ts'
import { addSubnet, oneNetwork } from '../subnets/service.ts'
import { holdNetwork, loadNetwork, type NetworkRow } from './load.ts'
import { queryNetworks } from './queries.ts'
import { networkViews } from './view.ts'

export async function listNetworks(
  ctx: Ctx,
  input: z.output<typeof networkListInput>,
): Promise<Page<NetworkView>> {
  const { allProjects, projectId, own, external, search } = input
  if (!allProjects && projectId === undefined) projectOf(ctx)
  const slice = await queryNetworks(ctx, {
    where: { allProjects, projectId, own, external, search },
    ...askOf(input, sortableNetworks),
  })
  return pageView(slice, await networkViews(ctx, slice.rows))
}

/** The columns by which the portal sorts networks. */
const sortableNetworks: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }],
  created: [{ field: 'createdAt' }],
}

export const getNetwork = (ctx: Ctx, input: { id: string }): Promise<NetworkView> => oneNetwork(ctx, input.id)

export async function createNetwork(
  ctx: Ctx,
  input: z.output<typeof networkCreateInput> &
    Pick<NewNetwork, 'adminUp' | 'portSecurity' | 'zoneHints'> & {
      projectId?: string
    },
): Promise<NetworkView> {
  const projectId = await ownerOf(ctx, input.projectId)
  authorize(ctx, 'network:create', { projectId })
  if (input.external || input.shared) authorize(ctx, 'network:create_shared')
  const id = await inTransaction(ctx, async (tx) => {
    const network = await createNetworkRow(tx, projectId, input)
    if (input.subnet) await addSubnet(tx, network, input.subnet)
    return network.id
  })
  return oneNetwork(ctx, id)
}

type NewNetwork = {
  name: string
  description?: string
  external?: boolean
  shared?: boolean
  mtu?: number
  adminUp?: boolean
  /** The port security of a new port on this network for which nobody says anything else. */
  portSecurity?: boolean
  zoneHints?: string[]
}

/** Makes the row, reserves quota, and writes history and event. In a transaction. */
export async function createNetworkRow(ctx: Ctx, projectId: string, input: NewNetwork): Promise<NetworkRow> {
  await reserveQuota(ctx, projectId, { networks: 1 })
  const row = await ctx.db.network.create({
    data: {
      id: crypto.randomUUID(),
      projectId,
      name: input.name,
      description: input.description ?? '',
      external: input.external ?? false,
      shared: input.shared ?? false,
      mtu: input.mtu ?? 1500,
      adminUp: input.adminUp ?? true,
      portSecurity: input.portSecurity ?? true,
      zoneHints: input.zoneHints ?? [],
      ...(input.shared
        ? {
            rbacPolicies: {
              create: { id: crypto.randomUUID(), projectId, action: 'access_as_shared', targetProject: '*' },
            },
          }
        : {}),
    },
    include: { subnets: true },
  })
  await recordOperation(ctx, { ...historyOf(row, 'network.create'), id: crypto.randomUUID() })
  await appendEvent(ctx, {
    kind: 'network.created',
    projectId,
    public: row.shared || row.external,
    resourceKind: 'network',
    resourceId: row.id,
  })
  return row
}

export async function updateNetwork(
  ctx: Ctx,
  input: z.output<typeof networkUpdateInput>,
): Promise<NetworkView> {
  const { id, name, description, adminUp, mtu, shared, external, portSecurity } = input
  await inTransaction(ctx, async (tx) => {
    const row = await loadNetwork(tx, 'network:update', id)
    if (shared !== undefined || external !== undefined) authorize(tx, 'network:create_shared')
    await holdNetwork(tx, row, shared === undefined && external === undefined ? 'inTurn' : 'alone')
    if (external !== undefined && external !== row.external) await mayTurn(tx, row)
    if (shared !== undefined && shared !== row.shared) await setShared(tx, row, shared)
    await tx.db.network.update({
      where: { id },
      data: { name, description, adminUp, mtu, external, portSecurity },
    })
    const operation = { ...historyOf(row, 'network.update'), id: crypto.randomUUID() }
    const onHosts = (adminUp ?? row.adminUp) !== row.adminUp || (mtu ?? row.mtu) !== row.mtu
    if (onHosts) await startOperation(tx, { ...operation, action: 'network.apply', input: { ports: true } })
    else await recordOperation(tx, operation)
    await appendEvent(tx, {
      kind: 'network.updated',
      projectId: row.projectId,
      public: row.shared || row.external || shared || external,
      resourceKind: 'network',
      resourceId: row.id,
    })
  })
  return oneNetwork(ctx, id)
}

/**
 * Only a network without ports and subnets may become external or stop to be external: addresses, guests and routers
 * rest on that property.
 */
async function mayTurn(ctx: Ctx, row: NetworkRow): Promise<void> {
  const ports = await ctx.db.port.count({ where: { networkId: row.id } })
  if (ports + row.subnets.length > 0)
    throw conflict(
      `The network has ${row.subnets.length} subnets and ${ports} ports, so it cannot change between internal and external. Delete them first, or make another network.`,
      row.external ? 'externalNetworkInUse' : 'networkInUse',
    )
}

/**
 * Deletes a network; throws conflict while ports use it. The network is gone at once for everybody and for the quota. A
 * workflow removes it from the hosts; even when the workflow fails, a host removes it at its next contact.
 */
export async function deleteNetwork(ctx: Ctx, input: { id: string }): Promise<NetworkView> {
  const view = await oneNetwork(ctx, input.id)
  await inTransaction(ctx, async (tx) => {
    const row = await loadNetwork(tx, 'network:delete', input.id)
    await holdNetwork(tx, row, 'alone')
    const ports = await tx.db.port.groupBy({
      by: ['deviceOwner'],
      where: { networkId: row.id },
      _count: true,
    })
    const guests = ports
      .filter((p) => p.deviceOwner !== 'network:router_interface')
      .reduce((n, p) => n + p._count, 0)
    if (ports.some((p) => p.deviceOwner === 'network:router_interface'))
      throw conflict('A router leads out of this network. Detach or delete the router first.', 'networkInUse')
    if (guests > 0)
      throw conflict(
        `${numbered(guests, 'port uses', 'ports use')} this network. Delete the instances and floating IPs on it first.`,
        'networkInUse',
      )
    await startOperation(tx, { ...historyOf(row, 'network.delete'), id: crypto.randomUUID() })
    // The quota is given back last, because other transactions wait for its row.
    await forgetNetwork(tx, row.id)
  })
  return { ...view, state: 'deleting' }
}

/** Deletes the rows and gives back the quota in one transaction. Succeeds when the network no longer exists. */
export async function forgetNetwork(ctx: Ctx, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await tx.db.network.findUnique({ where: { id }, include: { subnets: true } })
    if (!row) return
    await tx.db.subnet.deleteMany({ where: { networkId: id } })
    await tx.db.network.delete({ where: { id } })
    await releaseQuota(tx, row.projectId, { networks: 1, subnets: row.subnets.length })
    await appendEvent(tx, {
      kind: 'network.deleted',
      projectId: row.projectId,
      public: row.shared || row.external,
      resourceKind: 'network',
      resourceId: id,
    })
  })
}

/** Makes with one click of the portal a network, a free subnet and a router with a way out. */
export async function starterNetwork(
  ctx: Ctx,
  input: z.output<typeof starterNetworkInput>,
): Promise<NetworkView> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'network:create', { projectId })
  const id = await inTransaction(ctx, async (tx) => {
    const external = await tx.db.network.findFirst({
      where: { external: true, state: 'active' },
      orderBy: { createdAt: 'asc' },
    })
    if (!external)
      throw conflict(
        'This cloud has no external network yet, so nothing leads out. An administrator makes one under Networks.',
      )
    const network = await createNetworkRow(tx, projectId, { name: input.name })
    const cidr = await freeCidr(tx, projectId)
    const subnetId = await addSubnet(tx, network, {
      name: `${input.name}-subnet`,
      cidr,
      dhcp: true,
      dns: ctx.deps.config.nameServers,
    })
    const router = await createRouterRow(tx, projectId, {
      name: `${input.name}-router`,
      externalNetworkId: external.id,
    })
    await addInterfaceRow(tx, router, subnetId)
    return network.id
  })
  return oneNetwork(ctx, id)
}

/** Returns the first range 10.0.N.0/24 that no network of the project uses. */
async function freeCidr(ctx: Ctx, projectId: string): Promise<string> {
  const own = await ctx.db.subnet.findMany({ where: { projectId }, select: { cidr: true } })
  const taken = own.map((subnet) => parseCidr(subnet.cidr))
  for (let n = 0; n < 256; n++) {
    const text = `10.0.${n}.0/24`
    const cidr = parseCidr(text)
    if (!taken.some((other) => overlaps(other, cidr))) return text
  }
  throw new CloudError(
    'conflict',
    'Every range 10.0.0.0/24 to 10.0.255.0/24 is in use. Create the network with a range of your own.',
  )
}

const historyOf = (row: { id: string; name: string; projectId: string }, action: string) => ({
  action,
  resourceKind: 'network',
  resourceId: row.id,
  resourceName: row.name,
  projectId: row.projectId,
})
