import { asMember, type Ctx, projectOf } from '../../kernel/context.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { loadNetwork, type NetworkRow } from '../networks/load.ts'
import { portEvent } from './rows.ts'

/**
 * Returns the networks of free ports that an instance is to get, in the order of the IDs. Throws not_found for a port
 * that is not of the caller's own project, and conflict for a port in use.
 */
export async function networksOfFreePorts(
  ctx: Ctx,
  portIds: readonly string[],
  projectId = projectOf(ctx),
): Promise<NetworkRow[]> {
  const rows = await ctx.db.port.findMany({
    where: { id: { in: [...portIds] }, projectId },
    include: { network: { include: { subnets: { orderBy: { createdAt: 'asc' } } } }, addresses: true },
  })
  return portIds.map((id, index) => {
    const row = rows.find((port) => port.id === id)
    if (!row) throw notFound('port', id)
    if (row.deviceId !== '' || portIds.indexOf(id) !== index) throw conflict(`Port ${id} is still in use.`)
    return row.network
  })
}

/** Gives a free port to an instance; of two concurrent calls one gets conflict. In a transaction. */
export async function lendPort(
  ctx: Ctx,
  portId: string,
  to: { instanceId: string; projectId: string; hostId: string | null },
): Promise<void> {
  const { count } = await ctx.db.port.updateMany({
    where: { id: portId, projectId: to.projectId, deviceId: '' },
    data: { deviceId: to.instanceId, deviceOwner: 'compute:nova', hostId: to.hostId },
  })
  if (count === 0) throw conflict(`Port ${portId} is still in use.`)
  const row = await ctx.db.port.findUniqueOrThrow({ where: { id: portId } })
  await portEvent(ctx, row, 'updated')
}

/** Takes ports back from an instance: they stay, with their addresses, and belong to no device. */
export async function returnPorts(ctx: Ctx, instanceId: string, portIds: readonly string[]): Promise<void> {
  const rows = await ctx.db.port.findMany({ where: { id: { in: [...portIds] }, deviceId: instanceId } })
  for (const row of rows) {
    await ctx.db.port.update({
      where: { id: row.id },
      data: { deviceId: '', deviceOwner: '', hostId: null, state: 'down' },
    })
    await portEvent(ctx, { ...row, deviceId: '' }, 'updated')
  }
}

/** Returns the network for a new port of an instance: the caller must see it, and it must not be external. */
export async function networkForNic(ctx: Ctx, id: string): Promise<NetworkRow> {
  const row = await loadNetwork(asMember(ctx), 'network:get', id)
  if (row.external) throw conflict('Instances get no port on an external network: give them a floating IP.')
  return row
}

export type InstanceInterface = {
  portId: string
  networkId: string
  mac: string
  state: string
  addresses: { subnetId: string; address: string }[]
  /** False: the port is not filtered, and it is in no group. */
  portSecurity: boolean
  securityGroupIds: string[]
}

/** Returns the ports of an instance, oldest first, with everything that OpenStack shows of an interface. */
export async function interfacesOf(ctx: Ctx, instanceId: string): Promise<InstanceInterface[]> {
  const rows = await ctx.db.port.findMany({
    where: { deviceId: instanceId, deviceOwner: 'compute:nova' },
    include: { addresses: { orderBy: { address: 'asc' } }, securityGroups: { select: { groupId: true } } },
    orderBy: { tag: 'asc' },
  })
  return rows.map((row) => ({
    portId: row.id,
    networkId: row.networkId,
    mac: row.mac,
    state: row.state,
    addresses: row.addresses.map(({ subnetId, address }) => ({ subnetId, address })),
    portSecurity: row.portSecurity,
    securityGroupIds: row.securityGroups.map(({ groupId }) => groupId),
  }))
}
