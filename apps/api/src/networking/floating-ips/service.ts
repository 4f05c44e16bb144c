import type { FloatingIpModel } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction, visible } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { CloudError, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { askOf, pageView, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import type {
  FloatingIpView,
  floatingIpAssociateInput,
  floatingIpCreateInput,
  floatingIpUpdateInput,
  OwnedListInput,
} from '../contract.ts'
import { loadNetwork } from '../networks/load.ts'
import { ownerOf } from '../owner.ts'
import { devicesOf } from '../ports/devices.ts'
import { createPortRow, deletePortRows, portEvent } from '../ports/rows.ts'
import { loadPort } from '../ports/service.ts'
import { queryFloatingIps } from './queries.ts'

/** The input of a façade, which may also ask for a certain address and for another project (administrators only). */
type CreateInput = z.output<typeof floatingIpCreateInput> & {
  projectId?: string
  address?: string
  subnetId?: string
}
const sortableFloatingIps: Sortable = {
  address: [{ field: 'address' }],
  attached: [{ field: 'portId', nullable: true }],
  state: [{ field: 'state' }],
  created: [{ field: 'createdAt' }],
}

export async function listFloatingIps(ctx: Ctx, input: OwnedListInput): Promise<Page<FloatingIpView>> {
  const { allProjects, projectId, search } = input
  const slice = await queryFloatingIps(ctx, {
    where: { allProjects, projectId, search },
    ...askOf(input, sortableFloatingIps),
  })
  return pageView(slice, await views(ctx, slice.rows))
}

export async function getFloatingIp(ctx: Ctx, input: { id: string }): Promise<FloatingIpView> {
  await loadFloatingIp(ctx, 'floatingIp:list', input.id)
  return one(ctx, input.id)
}

export async function loadFloatingIp(ctx: Ctx, action: string, id: string): Promise<FloatingIpModel> {
  const row = await ctx.db.floatingIp.findFirst({ where: { ...visible(ctx), id } })
  if (!row) throw notFound('floating IP', id)
  authorize(ctx, action, { projectId: row.projectId })
  return row
}

/** Locks a floating IP, so that two concurrent changes of it run one after the other. In a transaction. */
async function lock(ctx: Ctx, action: string, id: string): Promise<FloatingIpModel> {
  await loadFloatingIp(ctx, action, id)
  await ctx.db.$executeRaw`SELECT 1 FROM "FloatingIp" WHERE "id" = ${id}::uuid FOR UPDATE`
  return loadFloatingIp(ctx, action, id)
}

/** Takes an address of the external network; with `portId` the floating IP leads to that port at once. */
export async function createFloatingIp(ctx: Ctx, input: CreateInput): Promise<FloatingIpView> {
  const id = await inTransaction(ctx, (tx) => createFloatingIpRow(tx, input))
  return one(ctx, id)
}

/** Does the same inside a caller's transaction; returns the ID. */
export async function createFloatingIpRow(ctx: Ctx, input: CreateInput): Promise<string> {
  const projectId = await ownerOf(ctx, input.projectId)
  authorize(ctx, 'floatingIp:create', { projectId })
  if (input.address !== undefined) authorize(ctx, 'floatingIp:choose')
  const external = await ctx.db.network.findFirst({
    where: { external: true, state: 'active', ...(input.networkId ? { id: input.networkId } : {}) },
    orderBy: { createdAt: 'asc' },
  })
  if (!external)
    throw input.networkId
      ? await noExternal(ctx, input.networkId)
      : conflict('This cloud has no external network, so there are no floating IPs.')
  await reserveQuota(ctx, projectId, { floatingIps: 1 })
  const id = crypto.randomUUID()
  const network = await loadNetwork(ctx, 'network:get', external.id)
  const holder = await createPortRow(ctx, {
    projectId: '',
    for: { projectId, quota: 'floatingIps' },
    network,
    deviceOwner: 'network:floatingip',
    deviceId: id,
    ...(input.address === undefined && input.subnetId === undefined
      ? {}
      : { fixed: [{ subnetId: input.subnetId, address: input.address }] }),
  })
  if (!holder.address) throw conflict('The external network has no subnet, so it has no addresses to give.')
  const row = await ctx.db.floatingIp.create({
    data: { id, projectId, networkId: network.id, address: holder.address, description: input.description },
  })
  await appendEvent(ctx, {
    kind: 'floatingIp.created',
    projectId,
    resourceKind: 'floatingIp',
    resourceId: id,
  })
  if (input.portId) await associateRow(ctx, row, input.portId, input.fixedAddress)
  else await recordOperation(ctx, { ...historyOf(row, 'floatingIp.create'), id: crypto.randomUUID() })
  return id
}

/**
 * Chooses the error: a visible network that is not external is the caller's mistake, and one that the caller cannot see
 * does not exist for them.
 */
async function noExternal(ctx: Ctx, networkId: string): Promise<CloudError> {
  await loadNetwork(ctx, 'network:get', networkId)
  return invalidInput(`Network ${networkId} is not a valid external network`, 'networkId', 'badRequest')
}

/**
 * A field that is left out keeps its value; a `portId` of null takes the floating IP off, and another port moves it
 * there.
 */
export async function updateFloatingIp(
  ctx: Ctx,
  input: z.output<typeof floatingIpUpdateInput>,
): Promise<FloatingIpView> {
  const { id, description, portId, fixedAddress } = input
  await inTransaction(ctx, async (tx) => {
    const row = await lock(tx, 'floatingIp:update', id)
    if (description !== undefined) await tx.db.floatingIp.update({ where: { id }, data: { description } })
    const moves =
      portId !== undefined &&
      (portId !== row.portId || (fixedAddress ?? row.fixedAddress) !== row.fixedAddress)
    if (moves && row.portId) await disassociateRow(tx, row)
    if (moves && portId) await associateRow(tx, { ...row, portId: null }, portId, fixedAddress)
    if (!moves) await changed(tx, row, row.routerId, null)
  })
  return one(ctx, id)
}

/** Leads the floating IP to a port; a `portId` of null takes it off. A workflow tells the host. */
export async function associateFloatingIp(
  ctx: Ctx,
  input: z.output<typeof floatingIpAssociateInput>,
): Promise<FloatingIpView> {
  await inTransaction(ctx, async (tx) => {
    const row = await lock(tx, 'floatingIp:update', input.id)
    if (input.portId) return associateRow(tx, row, input.portId)
    if (row.portId) await disassociateRow(tx, row)
  })
  return one(ctx, input.id)
}

async function associateRow(ctx: Ctx, row: FloatingIpModel, portId: string, wished?: string): Promise<void> {
  if (row.portId === portId) return
  if (row.portId)
    throw conflict(`${row.address} is in use. Disassociate it first.`, 'floatingIpPortAlreadyAssociated')
  const port = await loadPort(ctx, 'port:update', portId)
  // The lock lets two floating IPs that want the same port take turns; it also keeps the port from being deleted.
  if (!(await ctx.db.$executeRaw`SELECT 1 FROM "Port" WHERE "id" = ${portId}::uuid FOR UPDATE`))
    throw notFound('port', portId)
  const fixed = port.addresses.find((a) => wished === undefined || a.address === wished)
  if (port.projectId !== row.projectId || port.deviceOwner.startsWith('network:'))
    throw invalidInput(
      'A floating IP goes to a port of an instance of the same project.',
      'portId',
      'badRequest',
    )
  if (!fixed)
    throw invalidInput(
      'This port has no (such) address to which a floating IP could lead.',
      'portId',
      'badRequest',
    )
  if (await ctx.db.floatingIp.count({ where: { portId, fixedAddress: fixed.address } }))
    throw conflict(
      `${fixed.address} has a floating IP already. Disassociate that one first.`,
      'floatingIpPortAlreadyAssociated',
    )
  const router = await routerOf(ctx, port.networkId, row.networkId)
  if (router) await ctx.db.$executeRaw`SELECT 1 FROM "Router" WHERE "id" = ${router}::uuid FOR UPDATE`
  // The router is looked for again, because it may have changed or gone until this transaction held its lock.
  if (!router || (await routerOf(ctx, port.networkId, row.networkId)) !== router)
    throw conflict(
      `No router leads from network “${port.network.name}” to the external network of ${row.address}. Create a router with a gateway and attach the network to it.`,
      'externalGatewayForFloatingIpNotFound',
    )
  await ctx.db.floatingIp.update({
    where: { id: row.id },
    data: { portId, fixedAddress: fixed.address, routerId: router },
  })
  await changed(ctx, row, router, port)
}

async function disassociateRow(ctx: Ctx, row: FloatingIpModel): Promise<void> {
  const port = row.portId ? await ctx.db.port.findUnique({ where: { id: row.portId } }) : null
  await ctx.db.floatingIp.update({
    where: { id: row.id },
    data: { portId: null, fixedAddress: null, routerId: null, state: 'down' },
  })
  await changed(ctx, row, row.routerId, port)
}

async function changed(
  ctx: Ctx,
  row: FloatingIpModel,
  routerId: string | null,
  port: { id: string; projectId: string; deviceId: string; networkId: string } | null,
): Promise<void> {
  await startOperation(ctx, {
    ...historyOf(row, 'floatingIp.apply'),
    id: crypto.randomUUID(),
    input: { routerId },
  })
  await appendEvent(ctx, {
    kind: 'floatingIp.updated',
    projectId: row.projectId,
    resourceKind: 'floatingIp',
    resourceId: row.id,
  })
  if (port) await portEvent(ctx, port, 'updated')
}

/** Returns the ID of the router that joins a network with an external network. */
async function routerOf(ctx: Ctx, networkId: string, externalNetworkId: string): Promise<string | null> {
  const interfaces = await ctx.db.port.findMany({
    where: { networkId, deviceOwner: 'network:router_interface' },
    select: { deviceId: true },
  })
  const router = await ctx.db.router.findFirst({
    where: { id: { in: interfaces.map((i) => i.deviceId) }, externalNetworkId, state: { not: 'deleting' } },
    select: { id: true },
  })
  return router?.id ?? null
}

export async function deleteFloatingIp(ctx: Ctx, input: { id: string }): Promise<FloatingIpView> {
  const view = await one(ctx, input.id)
  await inTransaction(ctx, async (tx) => deleteRow(tx, await lock(tx, 'floatingIp:delete', input.id)))
  return view
}

/** Deletes a locked floating IP. In a transaction. */
async function deleteRow(tx: Ctx, row: FloatingIpModel): Promise<void> {
  if (row.portId) await disassociateRow(tx, row)
  const holders = await tx.db.port.findMany({
    where: { deviceOwner: 'network:floatingip', deviceId: row.id },
    select: { id: true },
  })
  await deletePortRows(
    tx,
    holders.map((port) => port.id),
  )
  await tx.db.floatingIp.delete({ where: { id: row.id } })
  await releaseQuota(tx, row.projectId, { floatingIps: 1 })
  await recordOperation(tx, { ...historyOf(row, 'floatingIp.delete'), id: crypto.randomUUID() })
  await appendEvent(tx, {
    kind: 'floatingIp.deleted',
    projectId: row.projectId,
    resourceKind: 'floatingIp',
    resourceId: row.id,
  })
}

/**
 * Deletes the floating IP that a launch took for its instance, while it leads to that instance. A floating IP that its
 * owner has taken off or moved since stays with the project. Succeeds when the floating IP no longer exists.
 */
export async function deleteFloatingIpOfLaunch(
  ctx: Ctx,
  { id, instanceId }: { id: string; instanceId: string },
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    // Locked, because its owner may take the floating IP off at this moment.
    await tx.db.$executeRaw`SELECT 1 FROM "FloatingIp" WHERE "id" = ${id}::uuid FOR UPDATE`
    const row = await tx.db.floatingIp.findUnique({ where: { id }, include: { port: true } })
    if (row?.port?.deviceId === instanceId) await deleteRow(tx, row)
  })
}

async function one(ctx: Ctx, id: string): Promise<FloatingIpView> {
  const [view] = await views(ctx, [await loadFloatingIp(ctx, 'floatingIp:list', id)])
  if (!view) throw new CloudError('not_found', 'The floating IP is gone.')
  return view
}

async function views(ctx: Ctx, rows: readonly FloatingIpModel[]): Promise<FloatingIpView[]> {
  const [networks, ports] = await Promise.all([
    ctx.db.network.findMany({
      where: { id: { in: rows.map((row) => row.networkId) } },
      select: { id: true, name: true },
    }),
    ctx.db.port.findMany({
      where: { id: { in: rows.flatMap((row) => row.portId ?? []) } },
      select: { id: true, deviceId: true, deviceOwner: true },
    }),
  ])
  const nameOf = new Map(networks.map((network) => [network.id, network.name]))
  const deviceOf = await devicesOf(ctx, ports)
  const deviceAt = new Map(ports.map((port) => [port.id, deviceOf(port)]))
  const instanceOf = (row: FloatingIpModel) => {
    const device = row.portId === null ? null : deviceAt.get(row.portId)
    return device?.kind === 'instance' ? device : null
  }
  return rows.map((row) => ({
    id: row.id,
    address: row.address,
    description: row.description,
    projectId: row.projectId,
    networkId: row.networkId,
    networkName: nameOf.get(row.networkId) ?? '',
    state: row.state as FloatingIpView['state'],
    portId: row.portId,
    fixedAddress: row.fixedAddress,
    instanceId: instanceOf(row)?.id ?? null,
    instanceName: instanceOf(row)?.name ?? null,
    createdAt: row.createdAt.toISOString(),
  }))
}

const historyOf = (row: FloatingIpModel, action: string) => ({
  action,
  resourceKind: 'floatingIp',
  resourceId: row.id,
  resourceName: row.address,
  projectId: row.projectId,
})
