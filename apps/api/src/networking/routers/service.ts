import type { Prisma, RouterModel } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction, visible } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { CloudError, conflict, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { askOf, pageView, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { releaseQuota } from '../../quota/service.ts'
import type {
  OwnedListInput,
  RouterView,
  routerCreateInput,
  routerGatewayInput,
  routerInterfaceInput,
  routerUpdateInput,
} from '../contract.ts'
import { ownerOf } from '../owner.ts'
import type { FixedWish } from '../ports/fixed.ts'
import { deletePortRows, forgetPortRows } from '../ports/rows.ts'
import { numbered } from '../states.ts'
import { queryRouters } from './queries.ts'
import {
  addInterfacePort,
  addInterfaceRow,
  applyRouterLater,
  createRouterRow,
  lockRouter,
  setGatewayRow,
} from './rows.ts'

const sortableRouters: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }],
  gateway: [{ field: 'externalAddress', nullable: true }],
  created: [{ field: 'createdAt' }],
}

export async function listRouters(ctx: Ctx, input: OwnedListInput): Promise<Page<RouterView>> {
  const { allProjects, projectId, search } = input
  const ask = { where: { allProjects, projectId, search }, ...askOf(input, sortableRouters) }
  const slice = await queryRouters(ctx, ask)
  return pageView(slice, await routerViews(ctx, slice.rows))
}

export async function getRouter(ctx: Ctx, input: { id: string }): Promise<RouterView> {
  const [view] = await routerViews(ctx, [await loadRouter(ctx, 'router:get', input.id)])
  if (!view) throw notFound('router', input.id)
  return view
}

export async function loadRouter(ctx: Ctx, action: string, id: string): Promise<RouterModel> {
  const row = await ctx.db.router.findFirst({ where: { ...visible(ctx), id } })
  if (!row) throw notFound('router', id)
  authorize(ctx, action, { projectId: row.projectId })
  return row
}

type CreateInput = z.output<typeof routerCreateInput> & {
  zoneHints?: string[]
  externalFixed?: readonly FixedWish[]
}

export async function createRouter(ctx: Ctx, input: CreateInput): Promise<RouterView> {
  const projectId = await ownerOf(ctx, input.projectId)
  authorize(ctx, 'router:create', { projectId })
  const id = await inTransaction(ctx, async (tx) => {
    const router = await createRouterRow(tx, projectId, input)
    await applyRouterLater(tx, router)
    return router.id
  })
  return getRouter(ctx, { id })
}

/** Changes name, state and way out; a workflow tells the hosts. A field that is left out keeps its value. */
export async function updateRouter(
  ctx: Ctx,
  input: z.output<typeof routerUpdateInput> & { externalFixed?: readonly FixedWish[] },
): Promise<RouterView> {
  const { name, description, adminUp, externalNetworkId } = input
  await change(ctx, input.id, async (tx, router) => {
    const row = await tx.db.router.update({ where: { id: router.id }, data: { name, description, adminUp } })
    if (externalNetworkId !== undefined) await setGatewayRow(tx, row, externalNetworkId, input.externalFixed)
    await applyRouterLater(tx, row)
  })
  return getRouter(ctx, input)
}

export async function addRouterInterface(
  ctx: Ctx,
  input: z.output<typeof routerInterfaceInput>,
): Promise<RouterView> {
  await change(ctx, input.id, async (tx, router) => {
    await addInterfaceRow(tx, router, input.subnetId)
  })
  return getRouter(ctx, input)
}

/** An interface of a router: one of its ports, by the port's address in one subnet. */
export type RouterPlace = { portId: string; networkId: string; subnetId: string; projectId: string }
type PlaceInput = { id: string; subnetId?: string; portId?: string }

/** Plugs the router into a subnet, whose gateway address becomes the router's, or into a port that was made for it. */
export async function plugRouter(ctx: Ctx, input: PlaceInput): Promise<RouterPlace> {
  let portId = input.portId
  await change(ctx, input.id, async (tx, router) => {
    if (input.portId !== undefined) return addInterfacePort(tx, router, input.portId)
    portId = await addInterfaceRow(tx, router, input.subnetId ?? '')
  })
  return placeOf(await placePort(ctx, { ...input, portId }))
}

export async function unplugRouter(ctx: Ctx, input: PlaceInput): Promise<RouterPlace> {
  let place: RouterPlace | undefined
  await change(ctx, input.id, async (tx, router) => {
    const port = await placePort(tx, input)
    place = placeOf(port, input.subnetId)
    await removeInterface(tx, router, port)
  })
  if (!place) throw notFound('router interface', input.id)
  return place
}

export async function removeRouterInterface(
  ctx: Ctx,
  input: z.output<typeof routerInterfaceInput>,
): Promise<RouterView> {
  await unplugRouter(ctx, input)
  return getRouter(ctx, input)
}

const withAddresses = { addresses: { orderBy: { address: 'asc' } } } satisfies Prisma.PortInclude
type PlacePort = Prisma.PortGetPayload<{ include: typeof withAddresses }>

/** Returns the router's port in a subnet, or the named port; when both are given, they must be the same. */
async function placePort(ctx: Ctx, { id, portId, subnetId }: PlaceInput): Promise<PlacePort> {
  const port = await ctx.db.port.findFirst({
    where: {
      deviceOwner: 'network:router_interface',
      deviceId: id,
      ...(portId === undefined ? {} : { id: portId }),
      ...(subnetId === undefined ? {} : { addresses: { some: { subnetId } } }),
    },
    include: withAddresses,
  })
  if (port) return port
  throw new CloudError('not_found', `Router ${id} has no interface on ${subnetId ?? portId ?? 'it'}.`, {
    reason: subnetId === undefined ? 'routerInterfaceNotFound' : 'routerInterfaceNotFoundForSubnet',
  })
}

const placeOf = (port: PlacePort, subnetId?: string): RouterPlace => ({
  portId: port.id,
  networkId: port.networkId,
  subnetId: subnetId ?? port.addresses[0]?.subnetId ?? '',
  projectId: port.projectId,
})

async function removeInterface(ctx: Ctx, router: RouterModel, port: PlacePort): Promise<void> {
  const fips = await ctx.db.floatingIp.count({
    where: { routerId: router.id, port: { networkId: port.networkId } },
  })
  if (fips > 0)
    throw conflict(
      `${numbered(fips, 'floating IP reaches', 'floating IPs reach')} instances through this interface. Disassociate them first.`,
      'routerInterfaceInUseByFloatingIp',
    )
  await deletePortRows(ctx, [port.id])
  await applyRouterLater(ctx, router, 'router.apply', [port.networkId])
  await appendEvent(ctx, {
    kind: 'network.updated',
    projectId: router.projectId,
    resourceKind: 'network',
    resourceId: port.networkId,
  })
}

/** An `externalNetworkId` of null takes the way out away. */
export async function setRouterGateway(
  ctx: Ctx,
  input: z.output<typeof routerGatewayInput>,
): Promise<RouterView> {
  await change(ctx, input.id, async (tx, router) => {
    await setGatewayRow(tx, router, input.externalNetworkId)
    await applyRouterLater(tx, router)
  })
  return getRouter(ctx, input)
}

/**
 * Deletes a router together with its interfaces; with `bare` it throws conflict while there are interfaces. The router
 * is gone at once for everybody and for the quota; a workflow removes it from the hosts.
 */
export async function deleteRouter(ctx: Ctx, input: { id: string; bare?: boolean }): Promise<RouterView> {
  const view = await getRouter(ctx, input)
  await inTransaction(ctx, async (tx) => {
    const router = await loadRouter(tx, 'router:delete', input.id)
    await lockRouter(tx, router.id)
    const where = { deviceId: router.id, deviceOwner: 'network:router_interface' }
    const interfaces = input.bare ? await tx.db.port.count({ where }) : 0
    if (interfaces > 0)
      throw conflict(
        `Router ${router.id} still has ${interfaces} interfaces. Remove them first.`,
        'routerInUse',
      )
    const fips = await tx.db.floatingIp.count({ where: { routerId: router.id } })
    if (fips > 0)
      throw conflict(
        `${numbered(fips, 'floating IP leads', 'floating IPs lead')} through this router. Disassociate them first.`,
        'routerInUse',
      )
    await applyRouterLater(tx, router, 'router.delete')
    // The quota is given back last, because other transactions wait for its row.
    await forgetRouter(tx, router.id)
  })
  return { ...view, state: 'deleting' }
}

/** Deletes interfaces, gateway and row, and gives back the quota. Succeeds when the router no longer exists. */
export async function forgetRouter(ctx: Ctx, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const router = await tx.db.router.findUnique({ where: { id } })
    if (!router) return
    const ports = await tx.db.port.findMany({
      where: { deviceId: id, deviceOwner: { in: ['network:router_interface', 'network:router_gateway'] } },
    })
    // The interfaces are ports of the router's own project; the gateway's port counts for no project.
    const counted = await forgetPortRows(
      tx,
      ports.map((port) => port.id),
    )
    await tx.db.router.delete({ where: { id } })
    await routerEvent(tx, router, 'deleted')
    for (const port of ports)
      await appendEvent(tx, {
        kind: 'network.updated',
        projectId: router.projectId,
        resourceKind: 'network',
        resourceId: port.networkId,
      })
    const freed = new Map(counted).get(router.projectId) ?? 0
    await releaseQuota(tx, router.projectId, { routers: 1, ports: freed })
  })
}

async function change(
  ctx: Ctx,
  id: string,
  work: (tx: Ctx, router: RouterModel) => Promise<void>,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await loadRouter(tx, 'router:update', id)
    await lockRouter(tx, id)
    // The router is read again, because another change may have been under way until this transaction held the lock.
    const router = await loadRouter(tx, 'router:update', id)
    await work(tx, router)
    await routerEvent(tx, router, 'updated')
  })
}

const routerEvent = (ctx: Ctx, router: RouterModel, what: 'updated' | 'deleted') =>
  appendEvent(ctx, {
    kind: `router.${what}`,
    projectId: router.projectId,
    resourceKind: 'router',
    resourceId: router.id,
  })

/** Makes the views of one page with two queries beside the rows. */
async function routerViews(ctx: Ctx, rows: readonly RouterModel[]): Promise<RouterView[]> {
  if (rows.length === 0) return []
  const [ports, externals] = await Promise.all([
    ctx.db.port.findMany({
      where: { deviceOwner: 'network:router_interface', deviceId: { in: rows.map((row) => row.id) } },
      include: {
        network: { select: { name: true } },
        addresses: { include: { subnet: { select: { cidr: true } } } },
      },
    }),
    ctx.db.network.findMany({
      where: { id: { in: rows.flatMap((row) => row.externalNetworkId ?? []) } },
      select: { id: true, name: true },
    }),
  ])
  const nameOf = new Map(externals.map((network) => [network.id, network.name]))
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    projectId: row.projectId,
    adminUp: row.adminUp,
    state: row.state as RouterView['state'],
    external:
      row.externalNetworkId && row.externalAddress
        ? {
            networkId: row.externalNetworkId,
            networkName: nameOf.get(row.externalNetworkId) ?? '',
            address: row.externalAddress,
          }
        : null,
    interfaces: ports
      .filter((port) => port.deviceId === row.id)
      .flatMap((port) =>
        port.addresses.map((a) => ({
          portId: port.id,
          networkId: port.networkId,
          networkName: port.network.name,
          subnetId: a.subnetId,
          cidr: a.subnet.cidr,
          address: a.address,
        })),
      ),
    createdAt: row.createdAt.toISOString(),
  }))
}
