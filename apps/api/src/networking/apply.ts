import type { NetworkDriver } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { type CloudError, notFound, toCloudError } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import { driversOf } from '../kernel/hosts.ts'
import { portEvent } from './ports/rows.ts'
import { addressSetSpec, networkSpec, portSpec, portSpecInclude, routerSpec } from './specs.ts'

/**
 * Makes hosts match the rows. Every function is idempotent and states a whole wish; a router lives
 * on every host that has a bound port of one of its networks.
 */

/** Network, router, groups, then the port itself. Records active or error with the reason. */
export async function applyPort(ctx: Ctx, op: Op, portId: string): Promise<{ tap: string; mtu: number }> {
  const port = await ctx.deps.root.port.findUnique({ where: { id: portId }, include: portSpecInclude })
  if (!port?.hostId) throw notFound('bound port', portId)
  const { network: driver } = await driversOf(ctx, port.hostId)
  try {
    await driver.ensureNetwork(op, networkSpec(port.network))
    await applyRoutersOf(ctx, op, driver, port.networkId)
    const groups = port.securityGroups.map((s) => s.groupId)
    const named = port.securityGroups.flatMap((s) =>
      s.group.rules.flatMap((rule) => rule.remoteGroupId ?? []),
    )
    for (const id of new Set(named)) await driver.ensureAddressSet(op, await addressSetSpec(ctx, id))
    const observed = await driver.ensurePort(op, portSpec(port, await hostnameOf(ctx, port.deviceId)))
    await setPortState(ctx, portId, 'active', null)
    await applyMemberships(ctx, op, groups, new Set(named), port.hostId)
    return { tap: observed.tap, mtu: port.network.mtu }
  } catch (error) {
    const failure = toCloudError(error)
    if (!failure.retryable) await setPortState(ctx, portId, 'error', failure.message)
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
  const { network: driver } = await driversOf(ctx, port.hostId)
  await driver.removePort(op, portId)
  await setPortState(ctx, portId, 'down', null)
}

/** Sets of the groups that a port is in, on every host where a rule names them. */
export async function applyMemberships(
  ctx: Ctx,
  op: Op,
  groupIds: readonly string[],
  done: ReadonlySet<string> = new Set(),
  doneOn?: string,
): Promise<void> {
  for (const groupId of groupIds) {
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
    if (hosts.length === 0) continue
    const members = await addressSetSpec(ctx, groupId)
    for (const hostId of hosts) await (await driversOf(ctx, hostId)).network.ensureAddressSet(op, members)
  }
}

/** Every bound port that uses the group; one that fails is marked and does not stop the others. */
export async function applyGroup(ctx: Ctx, op: Op, groupId: string): Promise<void> {
  const ports = await ctx.deps.root.port.findMany({
    where: { hostId: { not: null }, securityGroups: { some: { groupId } } },
    select: { id: true },
  })
  let worst: CloudError | null = null
  for (const { id } of ports) {
    await applyPort(ctx, op, id).catch((error: unknown) => {
      worst = toCloudError(error)
    })
  }
  if (worst) throw worst
}

async function applyRoutersOf(ctx: Ctx, op: Op, driver: NetworkDriver, networkId: string): Promise<void> {
  const interfaces = await ctx.deps.root.port.findMany({
    where: { networkId, deviceOwner: 'network:router_interface' },
    select: { deviceId: true },
    distinct: ['deviceId'],
  })
  for (const { deviceId } of interfaces) await applyRouterOn(ctx, op, driver, deviceId)
}

async function applyRouterOn(ctx: Ctx, op: Op, driver: NetworkDriver, routerId: string): Promise<void> {
  const wish = await routerSpec(ctx, routerId)
  if (!wish) return driver.removeRouter(op, routerId)
  const networks = await ctx.deps.root.network.findMany({
    where: { id: { in: wish.networkIds } },
    include: { subnets: true },
  })
  for (const network of networks) await driver.ensureNetwork(op, networkSpec(network))
  await driver.ensureRouter(op, wish.spec)
}

/** The router on each host that has guests behind it; floating IPs follow their association. */
export async function applyRouter(ctx: Ctx, op: Op, routerId: string): Promise<void> {
  const wish = await routerSpec(ctx, routerId)
  for (const hostId of await hostsOfNetworks(ctx, wish?.networkIds ?? []))
    await applyRouterOn(ctx, op, (await driversOf(ctx, hostId)).network, routerId)
  await settleFloatingIps(ctx, routerId)
}

/** A floating IP is active while it is associated and its router has been applied. */
async function settleFloatingIps(ctx: Ctx, routerId: string): Promise<void> {
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
  for (const hostId of await allHosts(ctx))
    await (await driversOf(ctx, hostId)).network.removeRouter(op, routerId)
}

export async function applyNetwork(ctx: Ctx, op: Op, networkId: string): Promise<void> {
  const network = await ctx.deps.root.network.findUnique({
    where: { id: networkId },
    include: { subnets: true },
  })
  if (!network) return
  for (const hostId of await hostsOfNetworks(ctx, [networkId]))
    await (await driversOf(ctx, hostId)).network.ensureNetwork(op, networkSpec(network))
}

export async function removeNetworkFromHosts(ctx: Ctx, op: Op, networkId: string): Promise<void> {
  for (const hostId of await allHosts(ctx))
    await (await driversOf(ctx, hostId)).network.removeNetwork(op, networkId)
}

async function hostsOfNetworks(ctx: Ctx, networkIds: readonly string[]): Promise<string[]> {
  const ports = await ctx.deps.root.port.findMany({
    where: { networkId: { in: [...networkIds] }, hostId: { not: null } },
    select: { hostId: true },
    distinct: ['hostId'],
  })
  return ports.flatMap((port) => port.hostId ?? [])
}

/** Hosts that answer; one that is down is put right by the reconciler when it is back. */
export async function allHosts(ctx: Ctx): Promise<string[]> {
  return (await ctx.deps.root.host.findMany({ where: { state: 'up' }, select: { id: true } })).map(
    (host) => host.id,
  )
}

async function setPortState(
  ctx: Ctx,
  portId: string,
  state: 'active' | 'down' | 'error',
  errorMessage: string | null,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const [port] = await tx.db.port.updateManyAndReturn({
      where: { id: portId, NOT: { state, errorMessage } },
      data: { state, errorMessage },
    })
    if (port) await portEvent(tx, port, 'updated')
  })
}

async function hostnameOf(ctx: Ctx, instanceId: string): Promise<string> {
  const instance = await ctx.deps.root.instance.findUnique({
    where: { id: instanceId },
    select: { hostname: true },
  })
  return instance?.hostname ?? `port-${instanceId.slice(0, 8)}`
}
