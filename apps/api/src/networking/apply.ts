import { type PortModel, Prisma } from '@stratolith/db'
import { DriverError } from '@stratolith/drivers/errors'
import type { NetworkDriver } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { notFound, toCloudError } from '../kernel/errors.ts'
import { appendEvent, appendEventWith } from '../kernel/events.ts'
import { driversOf, whileAnswering } from '../kernel/hosts.ts'
import { removeDeleted } from './deleted-ports.ts'
import { allHosts, each, eachByHost, eachHost, unlessSilent } from './on-hosts.ts'
import { portEventOf } from './ports/rows.ts'
import {
  addressSetSpec,
  networkSpec,
  type PortForSpec,
  portSpec,
  portSpecInclude,
  routerSpec,
} from './specs.ts'

/**
 * Makes hosts match the rows. Every function is idempotent and states a whole wish; a router lives
 * on every host that has a bound port of one of its networks.
 */

/** Network, router, groups, then the port itself. Records active or error with the reason. */
export async function applyPort(ctx: Ctx, op: Op, portId: string): Promise<{ tap: string; mtu: number }> {
  const port = await ctx.deps.root.port.findUnique({ where: { id: portId }, include: portSpecInclude })
  if (!port?.hostId) throw notFound('bound port', portId)
  const { hostId } = port
  const drivers = await driversOf(ctx, hostId)
  return whileAnswering(op, drivers, (watched) => applyOn(ctx, watched, drivers.network, { ...port, hostId }))
}

async function applyOn(
  ctx: Ctx,
  op: Op,
  driver: NetworkDriver,
  port: PortForSpec & { hostId: string },
): Promise<{ tap: string; mtu: number }> {
  try {
    await driver.ensureNetwork(op, networkSpec(port.network))
    await applyRoutersOf(ctx, op, driver, port.networkId)
    const groups = port.securityGroups.map((s) => s.groupId)
    const named = port.securityGroups.flatMap((s) =>
      s.group.rules.flatMap((rule) => rule.remoteGroupId ?? []),
    )
    for (const id of new Set(named)) await driver.ensureAddressSet(op, await addressSetSpec(ctx, id))
    const spec = portSpec(port, await hostnameOf(ctx, port.deviceId))
    const observed = await driver.ensurePort(op, spec).catch(async (error: unknown) => {
      if (!(error instanceof DriverError && error.code === 'conflict')) throw error
      if ((await removeDeleted(ctx, op, driver, port.hostId, spec)) === 0) throw error
      return driver.ensurePort(op, spec)
    })
    await setPortState(ctx, port, 'active', null)
    await unlessSilent(ctx, applyMemberships(ctx, op, groups, new Set(named), port.hostId))
    return { tap: observed.tap, mtu: port.network.mtu }
  } catch (error) {
    const failure = toCloudError(error)
    if (!failure.retryable) await setPortState(ctx, port, 'error', failure.message)
    throw failure
  }
}

/** Takes a port off its host. Gone is success. */
export async function unplugPort(ctx: Ctx, op: Op, portId: string): Promise<void> {
  const port = await ctx.deps.root.port.findUnique({
    where: { id: portId },
    include: { securityGroups: true },
  })
  if (!port?.hostId) return
  const drivers = await driversOf(ctx, port.hostId)
  await whileAnswering(op, drivers, (watched) => drivers.network.removePort(watched, portId))
  await setPortState(ctx, port, 'down', null)
}

/** Sets of the groups that a port is in, on every host where a rule names them. */
export async function applyMemberships(
  ctx: Ctx,
  op: Op,
  groupIds: readonly string[],
  done: ReadonlySet<string> = new Set(),
  doneOn?: string,
): Promise<void> {
  await each(groupIds, async (groupId) => {
    const users = await ctx.deps.root.port.findMany({
      where: {
        hostId: { not: null },
        securityGroups: { some: { group: { rules: { some: { remoteGroupId: groupId } } } } },
      },
      select: { hostId: true },
      distinct: ['hostId'],
    })
    const hosts = users.flatMap(({ hostId }) =>
      hostId && !(hostId === doneOn && done.has(groupId)) ? [hostId] : [],
    )
    if (hosts.length === 0) return
    const members = await addressSetSpec(ctx, groupId)
    await eachHost(ctx, op, hosts, (driver, watched) => driver.ensureAddressSet(watched, members))
  })
}

/** Every bound port that uses the group; one that fails is marked and does not stop the others. */
export async function applyGroup(ctx: Ctx, op: Op, groupId: string): Promise<void> {
  await applyPorts(ctx, op, { securityGroups: { some: { groupId } } })
}

async function applyPorts(ctx: Ctx, op: Op, where: Prisma.PortWhereInput): Promise<void> {
  const ports = await ctx.deps.root.port.findMany({
    where: { ...where, hostId: { in: await allHosts(ctx) } },
    select: { id: true, hostId: true },
  })
  await eachByHost(ports, ({ id }) => applyPort(ctx, op, id))
}

async function applyRoutersOf(ctx: Ctx, op: Op, driver: NetworkDriver, networkId: string): Promise<void> {
  const interfaces = await ctx.deps.root.port.findMany({
    where: { networkId, deviceOwner: 'network:router_interface' },
    select: { deviceId: true },
    distinct: ['deviceId'],
  })
  for (const { deviceId } of interfaces) await applyRouterOn(ctx, op, driver, deviceId, networkId)
}

/** `there`: a network of it that was ensured just now. */
export async function applyRouterOn(
  ctx: Ctx,
  op: Op,
  driver: NetworkDriver,
  routerId: string,
  there?: string,
): Promise<void> {
  const wish = await routerSpec(ctx, routerId)
  if (!wish) return driver.removeRouter(op, routerId)
  const networks = await ctx.deps.root.network.findMany({
    where: { id: { in: wish.networkIds } },
    include: { subnets: true },
  })
  for (const network of networks)
    if (network.id !== there) await driver.ensureNetwork(op, networkSpec(network))
  await driver.ensureRouter(op, wish.spec).catch(async (error: unknown) => {
    if (!(error instanceof DriverError && error.code === 'conflict')) throw error
    if ((await restateRouters(ctx, op, driver, routerId)) === 0) throw error
    await driver.ensureRouter(op, wish.spec)
  })
}

/**
 * An address of this router may have been another's a moment ago, which this host has not heard of yet:
 * it had no guest behind that router any more. Says again what the others here are. Returns how many.
 */
async function restateRouters(ctx: Ctx, op: Op, driver: NetworkDriver, except: string): Promise<number> {
  const others = (await driver.list(op)).routers.filter((id) => id !== except)
  const rows = await ctx.deps.root.router.findMany({ where: { id: { in: others } }, select: { id: true } })
  for (const { id } of rows) {
    const wish = await routerSpec(ctx, id)
    if (wish) await driver.ensureRouter(op, wish.spec)
  }
  return rows.length
}

/**
 * The router on each host that has guests behind it; floating IPs follow their association. `left` are
 * networks that it has led out of until now: hosts that have guests of these alone must hear of it, too.
 */
export async function applyRouter(
  ctx: Ctx,
  op: Op,
  routerId: string,
  left: readonly string[] = [],
): Promise<void> {
  const wish = await routerSpec(ctx, routerId)
  const hosts = await hostsOfNetworks(ctx, [...(wish?.networkIds ?? []), ...left])
  await eachHost(ctx, op, hosts, (driver, watched) => applyRouterOn(ctx, watched, driver, routerId))
  await settleFloatingIps(ctx, routerId)
}

/** A floating IP is active while it is associated and its router has been applied. */
export async function settleFloatingIps(ctx: Ctx, routerId: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const rows = await tx.db.floatingIp.findMany({
      where: { routerId, portId: { not: null }, state: { not: 'active' } },
    })
    for (const row of rows) {
      await tx.db.floatingIp.update({ where: { id: row.id }, data: { state: 'active' } })
      await appendEvent(tx, {
        kind: 'floatingIp.updated',
        projectId: row.projectId,
        resourceKind: 'floatingIp',
        resourceId: row.id,
      })
    }
  })
}

export async function removeRouterFromHosts(ctx: Ctx, op: Op, routerId: string): Promise<void> {
  await eachHost(ctx, op, await allHosts(ctx), (driver, watched) => driver.removeRouter(watched, routerId))
}

/** `ports`: those on it, too, because the network's own state and MTU are theirs. */
export async function applyNetwork(ctx: Ctx, op: Op, networkId: string, ports = false): Promise<void> {
  const network = await ctx.deps.root.network.findUnique({
    where: { id: networkId },
    include: { subnets: true },
  })
  if (!network) return
  await eachHost(ctx, op, await hostsOfNetworks(ctx, [networkId]), (driver, watched) =>
    driver.ensureNetwork(watched, networkSpec(network)),
  )
  if (ports) await applyPorts(ctx, op, { networkId })
}

export async function removeNetworkFromHosts(ctx: Ctx, op: Op, networkId: string): Promise<void> {
  await eachHost(ctx, op, await allHosts(ctx), (driver, watched) => driver.removeNetwork(watched, networkId))
}

async function hostsOfNetworks(ctx: Ctx, networkIds: readonly string[]): Promise<string[]> {
  const ports = await ctx.deps.root.port.findMany({
    where: { networkId: { in: [...networkIds] }, hostId: { not: null } },
    select: { hostId: true },
    distinct: ['hostId'],
  })
  return ports.flatMap((port) => port.hostId ?? [])
}

export async function setPortState(
  ctx: Ctx,
  port: Pick<PortModel, 'id' | 'projectId' | 'deviceId' | 'networkId'>,
  state: 'active' | 'down' | 'error',
  errorMessage: string | null,
): Promise<void> {
  const changed = Prisma.sql`changed AS (
    UPDATE "Port" SET "state" = ${state}, "errorMessage" = ${errorMessage}
    WHERE "id" = ${port.id}::uuid AND ("state", "errorMessage") IS DISTINCT FROM (${state}::text, ${errorMessage}::text) RETURNING 1)`
  await appendEventWith(ctx, portEventOf(port, 'updated'), [changed], 'changed')
}

async function hostnameOf(ctx: Ctx, instanceId: string): Promise<string> {
  const instance = await ctx.deps.root.instance.findUnique({
    where: { id: instanceId },
    select: { hostname: true },
  })
  return instance?.hostname ?? unnamed(instanceId)
}

export const unnamed = (instanceId: string) => `port-${instanceId.slice(0, 8)}`
