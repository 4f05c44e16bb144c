import type { RouterModel } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import { startOperation } from '../../kernel/workflow.ts'
import { reserveQuota } from '../../quota/service.ts'
import { overlaps, parseCidr } from '../ipv4.ts'
import { loadNetwork } from '../networks/load.ts'
import type { FixedWish } from '../ports/fixed.ts'
import { createPortRow, deletePortRows, portEvent } from '../ports/rows.ts'
import { loadPort } from '../ports/service.ts'
import { numbered } from '../states.ts'

/** Makes a router with its gateway address, quota, history and event. In a transaction. */
export async function createRouterRow(
  ctx: Ctx,
  projectId: string,
  input: {
    name: string
    description?: string
    adminUp?: boolean
    zoneHints?: string[]
    externalNetworkId?: string | null
    externalFixed?: readonly FixedWish[]
  },
): Promise<RouterModel> {
  await reserveQuota(ctx, projectId, { routers: 1 })
  const router = await ctx.db.router.create({
    data: {
      id: crypto.randomUUID(),
      projectId,
      name: input.name,
      description: input.description ?? '',
      adminUp: input.adminUp ?? true,
      zoneHints: input.zoneHints ?? [],
    },
  })
  await appendEvent(ctx, { kind: 'router.created', projectId, resourceKind: 'router', resourceId: router.id })
  return input.externalNetworkId
    ? setGatewayRow(ctx, router, input.externalNetworkId, input.externalFixed)
    : router
}

/**
 * Gives the router an address of the external network, or takes the address away (null). Only administrators may give a
 * chosen address (`fixed`).
 */
export async function setGatewayRow(
  ctx: Ctx,
  router: RouterModel,
  externalNetworkId: string | null,
  fixed?: readonly FixedWish[],
): Promise<RouterModel> {
  if (fixed) authorize(ctx, 'router:set_external_address')
  const stays = fixed?.every((wish) => [undefined, router.externalAddress].includes(wish.address)) ?? true
  if (router.externalNetworkId === externalNetworkId && stays) return router
  const old = await ctx.db.port.findMany({
    where: { deviceOwner: 'network:router_gateway', deviceId: router.id },
    select: { id: true },
  })
  if (old.length > 0) {
    const inUse = await ctx.db.floatingIp.count({ where: { routerId: router.id } })
    if (inUse > 0)
      throw conflict(
        `${numbered(inUse, 'floating IP leads', 'floating IPs lead')} through this router. Disassociate them first.`,
        'routerExternalGatewayInUseByFloatingIp',
      )
    await deletePortRows(
      ctx,
      old.map((port) => port.id),
    )
  }
  if (externalNetworkId === null)
    return ctx.db.router.update({
      where: { id: router.id },
      data: { externalNetworkId: null, externalAddress: null },
    })
  const network = await loadNetwork(ctx, 'network:get', externalNetworkId)
  if (!network.external)
    throw invalidInput(
      'A router leads out through an external network; this one is not external.',
      'externalNetworkId',
      'badRequest',
    )
  const gateway = await createPortRow(ctx, {
    projectId: '',
    for: { projectId: router.projectId, quota: 'routers' },
    network,
    deviceOwner: 'network:router_gateway',
    deviceId: router.id,
    fixed,
  })
  if (!gateway.address) throw conflict('The external network has no subnet yet.')
  return ctx.db.router.update({
    where: { id: router.id },
    data: { externalNetworkId, externalAddress: gateway.address },
  })
}

/** Plugs the router into the subnet with the subnet's gateway address. Returns the ID of the router's port there. */
export async function addInterfaceRow(ctx: Ctx, router: RouterModel, subnetId: string): Promise<string> {
  const subnet = await ctx.db.subnet.findUnique({ where: { id: subnetId } })
  if (!subnet) throw notFound('subnet', subnetId)
  const network = await loadNetwork(ctx, 'network:get', subnet.networkId).catch(() => {
    throw notFound('subnet', subnetId)
  })
  if (network.projectId !== router.projectId || network.external)
    throw invalidInput('A router connects networks of its own project.', 'subnetId', 'badRequest')
  if (!subnet.gatewayIp)
    throw invalidInput(
      'This subnet has no gateway address, so a router has no place in it.',
      'subnetId',
      'badRequest',
    )
  await refuseOverlap(ctx, router, subnet)
  const port = await createPortRow(ctx, {
    projectId: router.projectId,
    network,
    deviceOwner: 'network:router_interface',
    deviceId: router.id,
    fixed: [{ subnetId: subnet.id, address: subnet.gatewayIp }],
  })
  await interfaceAdded(ctx, router, network.id)
  return port.id
}

/** Turns a port that nothing uses into an interface of the router in the port's subnets. */
export async function addInterfacePort(ctx: Ctx, router: RouterModel, portId: string): Promise<void> {
  await ctx.db.$executeRaw`SELECT 1 FROM "Port" WHERE "id" = ${portId}::uuid FOR UPDATE`
  const port = await loadPort(ctx, 'port:update', portId)
  if (port.deviceOwner !== '' || port.deviceId !== '' || port.hostId)
    throw conflict('This port is in use. Choose one that nothing uses.', 'portInUse')
  const network = await loadNetwork(ctx, 'network:get', port.networkId)
  if (port.projectId !== router.projectId || network.projectId !== router.projectId || network.external)
    throw invalidInput('A router connects networks of its own project.', 'portId', 'badRequest')
  const subnets = network.subnets.filter((subnet) => port.addresses.some((a) => a.subnetId === subnet.id))
  if (subnets.length === 0)
    throw invalidInput('Router port must have at least one fixed IP.', 'portId', 'badRequest')
  for (const subnet of subnets) await refuseOverlap(ctx, router, subnet)
  await ctx.db.portSecurityGroup.deleteMany({ where: { portId } })
  await ctx.db.port.update({
    where: { id: portId },
    data: { deviceOwner: 'network:router_interface', deviceId: router.id },
  })
  await portEvent(ctx, { ...port, deviceId: router.id }, 'updated')
  await interfaceAdded(ctx, router, network.id)
}

async function interfaceAdded(ctx: Ctx, router: RouterModel, networkId: string): Promise<void> {
  await appendEvent(ctx, {
    kind: 'network.updated',
    projectId: router.projectId,
    resourceKind: 'network',
    resourceId: networkId,
  })
  await applyRouterLater(ctx, router)
}

async function refuseOverlap(
  ctx: Ctx,
  router: RouterModel,
  subnet: { id: string; cidr: string },
): Promise<void> {
  const mine = await ctx.db.port.findMany({
    where: { deviceOwner: 'network:router_interface', deviceId: router.id },
    include: { addresses: { include: { subnet: { select: { id: true, cidr: true } } } } },
  })
  const clash = mine
    .flatMap((port) => port.addresses)
    .find((a) => overlaps(parseCidr(a.subnet.cidr), parseCidr(subnet.cidr)))
  if (clash)
    throw conflict(
      clash.subnet.id === subnet.id
        ? 'The router is on this subnet already.'
        : `${subnet.cidr} overlaps with ${clash.subnet.cidr}, where this router is already.`,
      'routerInterfaceOverlaps',
    )
}

/** Queues the workflow that tells the hosts. `left` names networks that the router has just left. */
export async function applyRouterLater(
  ctx: Ctx,
  router: RouterModel,
  action: 'router.apply' | 'router.delete' = 'router.apply',
  left: string[] = [],
): Promise<void> {
  await startOperation(ctx, {
    id: crypto.randomUUID(),
    action,
    resourceKind: 'router',
    resourceId: router.id,
    resourceName: router.name,
    projectId: router.projectId,
    input: { left },
  })
}

/**
 * Locks the router, so that changes run one after the other; throws conflict while it is being deleted. In a
 * transaction.
 */
export async function lockRouter(ctx: Ctx, id: string): Promise<void> {
  const rows = await ctx.db.$queryRaw<{ state: string }[]>`
    SELECT "state" FROM "Router" WHERE "id" = ${id}::uuid FOR UPDATE`
  if (rows[0]?.state === undefined) throw notFound('router', id)
  if (rows[0].state === 'deleting')
    throw conflict('This router is being deleted. Use another one.', 'routerInUse')
}
