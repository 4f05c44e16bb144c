import { Prisma } from '@stratolith/db'
import { releasedFrom } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict, invalidInput } from '../../kernel/errors.ts'
import type { NewEvent } from '../../kernel/events.ts'
import { likeLiteral, whole } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { releaseQuota } from '../../quota/service.ts'
import { contains, parseCidr } from '../ipv4.ts'
import type { PortNetwork } from '../networks/load.ts'
import { groupsNeedSecurity } from '../networks/plan.ts'
import { loadGroups } from '../security-groups/load.ts'
import { ensureDefaultSecurityGroup } from '../security-groups/service.ts'
import { refuseLeftBehind } from './left-behind.ts'
import { returnPorts } from './lent.ts'
import { setPortStates } from './outcomes.ts'
import {
  createPortRow,
  forgetPortRows,
  insertPorts,
  type NewPort,
  type PortWithAddress,
  portEventOf,
} from './rows.ts'

export type InstancePort = {
  id: string
  networkId: string
  networkName: string
  mac: string
  mtu: number
  address: string | null
  hostId: string | null
  hostname?: string
}
/** The address of an instance as compute shows it (compute/contract.ts InstanceAddress). */
export type PortAddressView = {
  networkId: string
  networkName: string
  portId: string
  mac: string
  address: string
  floatingIp: string | null
  floatingIpId: string | null
}

/**
 * Makes one port for each network, in order, with addresses and groups (the project's default group, when the wish
 * names none). In the transaction of the instance's row.
 */
export async function createPortsForInstance(
  ctx: Ctx,
  wish: {
    instanceId: string
    projectId: string
    hostId: string | null
    networks: readonly PortNetwork[]
    securityGroupIds: readonly string[]
    /** The wanted address on each of `networks`, in the same order; undefined: any address. */
    addresses?: readonly (string | undefined)[]
  },
): Promise<InstancePort[]> {
  for (const network of wish.networks) refuseGroups(network, wish.securityGroupIds)
  const groups =
    wish.securityGroupIds.length > 0
      ? (await loadGroups(ctx, 'securityGroup:get', wish.securityGroupIds)).map((group) => group.id)
      : [await ensureDefaultSecurityGroup(ctx, wish.projectId)]
  const ports: InstancePort[] = []
  for (const one of portsWished(ctx, { id: wish.instanceId, hostId: wish.hostId }, wish, groups))
    ports.push(instancePort(await createPortRow(ctx, one), one.network))
  return ports
}

/**
 * Makes the ports of all instances of a launch, in as many statements as for one instance. The launch locks the
 * networks and groups, reserves the quota, and appends the events that this function returns.
 */
export async function createPortsOfLaunch(
  ctx: Ctx,
  wish: {
    projectId: string
    instances: readonly { id: string; hostId: string }[]
    networks: readonly PortNetwork[]
    securityGroupIds: readonly string[]
    addresses: readonly (string | undefined)[]
  },
): Promise<{ ports: Map<string, InstancePort[]>; events: NewEvent[] }> {
  for (const network of wish.networks)
    await refuseLeftBehind(ctx, network, { projectId: wish.projectId, quota: 'ports' })
  const wishes = wish.instances.flatMap((instance) => portsWished(ctx, instance, wish, wish.securityGroupIds))
  const rows = await insertPorts(ctx, wishes)
  const ports = new Map<string, InstancePort[]>()
  for (const [index, row] of rows.entries()) {
    const network = wishes[index]?.network
    if (network) ports.set(row.deviceId, [...(ports.get(row.deviceId) ?? []), instancePort(row, network)])
  }
  return { ports, events: rows.map((row) => portEventOf(row, 'created')) }
}

/** Groups that are named for a network whose ports are in no groups would be a wish that nothing carries out. */
function refuseGroups({ name, portSecurity }: PortNetwork, named: readonly string[]): void {
  if (!portSecurity && named.length > 0) throw invalidInput(groupsNeedSecurity(name), 'securityGroupIds')
}

function portsWished(
  ctx: Ctx,
  instance: { id: string; hostId: string | null },
  wish: {
    projectId: string
    networks: readonly PortNetwork[]
    addresses?: readonly (string | undefined)[]
  },
  securityGroupIds: readonly string[],
): NewPort[] {
  return wish.networks.map((network, index) => ({
    projectId: wish.projectId,
    network,
    deviceOwner: 'compute:nova',
    deviceId: instance.id,
    hostId: instance.hostId,
    // A port without port security is not filtered, so it is in no group.
    securityGroupIds: network.portSecurity ? securityGroupIds : [],
    ...fixedOf(ctx, network, wish.addresses?.[index]),
  }))
}

const instancePort = (row: PortWithAddress, network: PortNetwork): InstancePort => ({
  id: row.id,
  networkId: network.id,
  networkName: network.name,
  mac: row.mac,
  mtu: network.mtu,
  address: row.address,
  hostId: row.hostId,
})

/**
 * Only a network's owner may choose an address: on a shared network the choice could take the address of somebody else.
 */
function fixedOf(ctx: Ctx, network: PortNetwork, address: string | undefined): Pick<NewPort, 'fixed'> {
  if (address === undefined) return {}
  authorize(ctx, 'port:choose', { projectId: network.projectId })
  const subnet = network.subnets.find((s) => contains(parseCidr(s.cidr), address))
  if (!subnet) throw invalidInput(`Fixed IP address ${address} is not in a subnet of the network.`)
  if ([subnet.gatewayIp, subnet.dhcpIp].includes(address))
    throw conflict(`Fixed IP address ${address} is already in use on the network.`)
  return { fixed: [{ subnetId: subnet.id, address }] }
}

/**
 * Records on which host the port is; with null it is on no host. With `instanceId`, a port that the instance has no more
 * stays as it is.
 */
export async function bindPort(
  ctx: Ctx,
  portId: string,
  hostId: string | null,
  instanceId?: string,
): Promise<void> {
  await ctx.db.port.updateMany({ where: { id: portId, deviceId: instanceId }, data: { hostId } })
}

/**
 * Records that the port is on no host any more, unless the instance does not have it any more. The host hears so with
 * the instance's document, or when it answers again.
 */
export async function unbindPort(ctx: Ctx, instanceId: string, portId: string): Promise<void> {
  const { count } = await ctx.db.port.updateMany({
    where: { id: portId, deviceId: instanceId, hostId: { not: null } },
    data: { hostId: null },
  })
  if (count > 0) await setPortStates(ctx, [{ id: portId, state: 'down', errorMessage: null, on: null }])
}

export type PlacedPort = { id: string; networkId: string; hostId: string | null }
/** Returns the ports of these instances by instance, oldest first. One query. */
export async function portsOf(ctx: Ctx, instanceIds: readonly string[]): Promise<Map<string, PlacedPort[]>> {
  const rows = await ctx.db.$queryRaw<(PlacedPort & { deviceId: string })[]>`
    SELECT "id", "networkId", "hostId", "deviceId" FROM "Port"
    WHERE "deviceId" = ANY(${[...instanceIds]}) AND "deviceOwner" = 'compute:nova' ORDER BY "tag"`
  return Map.groupBy(rows, (row) => row.deviceId)
}
export const portsOfInstance = async (ctx: Ctx, id: string): Promise<PlacedPort[]> =>
  (await portsOf(ctx, [id])).get(id) ?? []

type Which = { lent?: readonly string[]; only?: readonly string[] }

/**
 * Deletes rows, addresses and quota of the ports of an instance that has left its host. Ports in `lent` stay, and
 * belong to their owner again. `only` restricts the deletion to these ports.
 */
export async function deletePortsOfInstance(ctx: Ctx, instanceId: string, which: Which = {}): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    for (const [projectId, ports] of await forgetPortsOfInstance(tx, instanceId, which))
      await releaseQuota(tx, projectId, { ports })
  })
}

/** Does the same without the quota, which the caller gives back (see forgetPortRows). In a transaction. */
export async function forgetPortsOfInstance(
  ctx: Ctx,
  instanceId: string,
  { lent = [], only }: Which = {},
): Promise<[projectId: string, ports: number][]> {
  const ports = await ctx.db.port.findMany({
    where: {
      deviceId: instanceId,
      deviceOwner: 'compute:nova',
      ...(only ? { id: { in: [...only] } } : {}),
    },
    select: { id: true },
  })
  const isLent = ({ id }: { id: string }) => lent.includes(id)
  await returnPorts(ctx, instanceId, idsOf(ports.filter(isLent)))
  return forgetPortRows(ctx, idsOf(ports.filter((port) => !isLent(port))))
}

const idsOf = (rows: readonly { id: string }[]) => rows.map((row) => row.id)

/** Returns the addresses of a page of instances by instance ID. One query. */
export async function addressesOf(
  ctx: Ctx,
  instanceIds: readonly string[],
): Promise<Map<string, PortAddressView[]>> {
  const rows = await ctx.db.$queryRaw<(PortAddressView & { deviceId: string })[]>`
    SELECT p."deviceId", p."networkId", n."name" AS "networkName", p."id" AS "portId", p."mac", a."address",
      f."address" AS "floatingIp", f."id" AS "floatingIpId"
    FROM "Port" p JOIN "Network" n ON n."id" = p."networkId" JOIN "PortAddress" a ON a."portId" = p."id"
    LEFT JOIN "FloatingIp" f ON f."portId" = p."id" AND f."fixedAddress" = a."address"
    WHERE p."deviceId" = ANY(${[...instanceIds]}) AND p."deviceOwner" = 'compute:nova'
    ORDER BY p."tag", a."address"`
  const byInstance = new Map<string, PortAddressView[]>()
  for (const { deviceId, ...view } of rows) {
    const list = byInstance.get(deviceId) ?? []
    list.push(view)
    byInstance.set(deviceId, list)
  }
  return byInstance
}

/** Returns those of the instances that have a matching fixed address. Two queries, however many instances. */
export async function instancesWithAddress(
  ctx: Ctx,
  instanceIds: readonly string[],
  matches: (address: string) => boolean,
): Promise<string[]> {
  const ports = await ctx.db.port.findMany({
    where: { deviceId: { in: [...instanceIds] }, deviceOwner: 'compute:nova' },
    select: { deviceId: true, addresses: { select: { address: true } } },
  })
  const there = ports.filter((port) => port.addresses.some(({ address }) => matches(address)))
  return [...new Set(there.map((port) => port.deviceId))]
}

/**
 * A search that finds more instances than this by their ports is refused, because a list is never cut without a word.
 */
const mostByPorts = 20_000

/** Returns the instances with a port on the network, of one project or, without `projectId`, of all. */
export async function instancesOnNetwork(
  ctx: Ctx,
  networkId: string,
  projectId: string | undefined,
): Promise<string[]> {
  const ports = await ctx.db.port.findMany({
    where: { networkId, projectId, deviceOwner: 'compute:nova' },
    select: { deviceId: true },
    take: mostByPorts + 1,
  })
  const way = 'Look for instances by their names or addresses instead of by the network.'
  return [...new Set(whole(ports, mostByPorts, way).map(({ deviceId }) => deviceId))]
}

/** Returns the instances whose fixed or floating address is `start` or begins with it, of one project or of all. */
export async function instancesAtAddress(
  ctx: Ctx,
  start: string,
  projectId: string | undefined,
): Promise<string[]> {
  const of = projectId === undefined ? Prisma.sql`true` : Prisma.sql`p."projectId" = ${projectId}`
  const prefix = `${likeLiteral(start)}%`
  const rows = await ctx.db.$queryRaw<{ deviceId: string }[]>`
    SELECT p."deviceId" FROM "PortAddress" a JOIN "Port" p ON p."id" = a."portId"
    WHERE a."address" LIKE ${prefix} AND p."deviceOwner" = 'compute:nova' AND ${of}
    UNION
    SELECT p."deviceId" FROM "FloatingIp" f JOIN "Port" p ON p."id" = f."portId"
    WHERE f."address" LIKE ${prefix} AND p."deviceOwner" = 'compute:nova' AND ${of}
    LIMIT ${mostByPorts + 1}`
  return whole(rows, mostByPorts, 'Type more of the address.').map(({ deviceId }) => deviceId)
}

export type RouterNews = {
  routerId: string
  /** The floating IPs that are to lead to the instance now. */
  led: string[]
  /** The floating IPs of any instance that were taken off the router and are to lead nowhere any more. */
  released: string[]
  /** Whether the router itself changed: its switch, its way out, or its interfaces. */
  itself: boolean
}

/**
 * Tells people what has changed at the routers of an instance since a moment (given by router): any floating IP that
 * leads through a router changes the router on its hosts. One query.
 */
export async function routerNews(
  ctx: Ctx,
  { id, hostId }: { id: string; hostId: string },
  since: ReadonlyMap<string, Date>,
): Promise<RouterNews[]> {
  if (since.size === 0) return []
  const asked = [...since].map(([router, moment]) => ({ router, since: moment }))
  return ctx.db.$queryRaw`
    SELECT r."id"::text AS "routerId",
      ARRAY(SELECT f."address" FROM "FloatingIp" f JOIN "Port" p ON p."id" = f."portId"
        WHERE p."deviceId" = ${id} AND p."deviceOwner" = 'compute:nova' AND f."routerId" = r."id"
          AND f."updatedAt" >= a."since" ORDER BY 1) AS "led",
      ARRAY(${releasedFrom(hostId, Prisma.sql`r."id"`)}) AS "released",
      r."updatedAt" >= a."since" OR EXISTS (SELECT FROM "Port" p WHERE p."deviceId" = r."id"::text
        AND p."deviceOwner" = 'network:router_interface' AND p."createdAt" >= a."since") AS "itself"
    FROM jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) AS a ("router" uuid, "since" timestamptz)
    JOIN "Router" r ON r."id" = a."router"`
}

/** Returns the groups that the ports of an instance are in. */
export async function securityGroupsOf(
  ctx: Ctx,
  instanceId: string,
): Promise<{ id: string; name: string }[]> {
  return ctx.db.securityGroup.findMany({
    where: { ports: { some: { port: { deviceId: instanceId, deviceOwner: 'compute:nova' } } } },
    select: { id: true, name: true },
    orderBy: { name: 'asc' },
  })
}

/** Returns the groups of a page of instances by instance ID. One query. */
export async function groupNamesOf(
  ctx: Ctx,
  instanceIds: readonly string[],
): Promise<Map<string, { id: string; name: string }[]>> {
  const rows = await ctx.db.$queryRaw<{ deviceId: string; id: string; name: string }[]>`
    SELECT DISTINCT p."deviceId", g."id", g."name" FROM "Port" p
    JOIN "PortSecurityGroup" m ON m."portId" = p."id" JOIN "SecurityGroup" g ON g."id" = m."groupId"
    WHERE p."deviceId" = ANY(${[...instanceIds]}) AND p."deviceOwner" = 'compute:nova' ORDER BY g."name", g."id"`
  const byInstance = new Map<string, { id: string; name: string }[]>()
  for (const { deviceId, id, name } of rows)
    byInstance.set(deviceId, [...(byInstance.get(deviceId) ?? []), { id, name }])
  return byInstance
}
