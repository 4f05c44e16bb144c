import type { NetworkSpec, PortSpec, RecordedPort } from '@stratolith/drivers/network/interface'
import { toAddress } from '@stratolith/drivers/network/ipv4'
import type { Ctx } from '../../kernel/context.ts'
import { conflict } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { reserveQuota } from '../../quota/service.ts'
import { parseCidr } from '../ipv4.ts'
import { ensureDefaultSecurityGroup } from '../security-groups/service.ts'
import { take } from './allocate.ts'
import { lendPort } from './lent.ts'
import { portEvent } from './rows.ts'

/**
 * Makes rows for the ports of a guest that no row knew, as the guest's host has recorded them: with the same IDs,
 * numbers, MAC and IP addresses, so that nothing changes for the guest. The row of a network that no longer exists is
 * made again, too. Hosts know security groups by name: the ports get the project's groups of these names, or its
 * default group when it has none of them. In a transaction. Returns the ports that had a row already, as lent ports,
 * and the names of the groups. Throws conflict when another port has an address by now.
 */
export async function adoptPorts(
  ctx: Ctx,
  guest: {
    instanceId: string
    projectId: string
    hostId: string
    recorded: readonly RecordedPort[]
    groupNames: readonly string[]
  },
): Promise<{ lentPortIds: string[]; groups: string[] }> {
  const groups = await groupsNamed(ctx, guest.projectId, guest.groupNames)
  const groupIds = groups.map(({ id }) => id)
  const lentPortIds: string[] = []
  for (const { port, network } of guest.recorded) {
    await adoptNetwork(ctx, guest.projectId, network)
    lentPortIds.push(...(await adoptPort(ctx, { ...guest, groupIds }, port)))
  }
  return { lentPortIds, groups: groups.map(({ name }) => name) }
}

/** Returns one group of each name: the oldest, where there are several. */
async function groupsNamed(ctx: Ctx, projectId: string, names: readonly string[]) {
  const select = { id: true, name: true }
  const defaultId = await ensureDefaultSecurityGroup(ctx, projectId)
  const found = await ctx.db.securityGroup.findMany({
    where: { projectId, name: { in: [...names] } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    distinct: ['name'],
    select,
  })
  return found.length > 0 ? found : ctx.db.securityGroup.findMany({ where: { id: defaultId }, select })
}

async function adoptNetwork(ctx: Ctx, projectId: string, spec: NetworkSpec): Promise<void> {
  if (await ctx.db.network.findUnique({ where: { id: spec.id }, select: { id: true } })) return
  if (spec.external)
    throw conflict('The guest is on an external network that this cloud does not have any more.')
  await reserveQuota(ctx, projectId, { networks: 1, subnets: spec.subnets.length })
  await holdTag(ctx, 'Network', spec.tag)
  await ctx.db.network.create({
    data: {
      id: spec.id,
      tag: spec.tag,
      projectId,
      name: `adopted-${spec.id.slice(0, 8)}`,
      mtu: spec.mtu,
      subnets: {
        create: spec.subnets.map(({ id, cidr, gatewayIp, dhcp, dhcpIp, dns }) => {
          const range = parseCidr(cidr)
          const pool = { poolStart: toAddress(range.first), poolEnd: toAddress(range.last) }
          return { id, projectId, cidr, gatewayIp, dhcp, dhcpIp, dns: [...dns], ...pool }
        }),
      },
    },
  })
  await appendEvent(ctx, {
    kind: 'network.created',
    projectId,
    resourceKind: 'network',
    resourceId: spec.id,
  })
}

async function adoptPort(
  ctx: Ctx,
  guest: { instanceId: string; projectId: string; hostId: string; groupIds: readonly string[] },
  spec: PortSpec,
): Promise<string[]> {
  const there = await ctx.db.port.findUnique({ where: { id: spec.id } })
  if (there) return adoptOwnPort(ctx, guest, there)
  await reserveQuota(ctx, guest.projectId, { ports: 1 })
  await holdTag(ctx, 'Port', spec.tag)
  const port = await ctx.db.port.create({
    data: {
      id: spec.id,
      tag: spec.tag,
      projectId: guest.projectId,
      networkId: spec.networkId,
      mac: spec.mac,
      adminUp: spec.adminUp,
      portSecurity: spec.portSecurity,
      state: 'active',
      hostId: guest.hostId,
      deviceOwner: 'compute:nova',
      deviceId: guest.instanceId,
      securityGroups: { create: spec.portSecurity ? guest.groupIds.map((groupId) => ({ groupId })) : [] },
    },
  })
  for (const { subnetId, ip } of spec.addresses)
    if (!(await take(ctx, subnetId, ip, port.id)))
      throw conflict(`The guest’s address ${ip} is in use by another port. Delete that one first.`)
  await portEvent(ctx, port, 'created')
  return []
}

/**
 * The port was made before the guest and given to it; it is lent to the guest again, and stays when the guest is
 * deleted.
 */
async function adoptOwnPort(
  ctx: Ctx,
  guest: { instanceId: string; projectId: string; hostId: string },
  { id, deviceId }: { id: string; deviceId: string },
): Promise<string[]> {
  if (deviceId !== '' && deviceId !== guest.instanceId)
    throw conflict(`The guest’s port ${id} belongs to another device by now. Detach it there first.`)
  if (deviceId === '') await lendPort(ctx, id, guest)
  return [id]
}

/**
 * Reserves the small number, which must be free, so that it is not given out again. Throws conflict when a row has it.
 */
async function holdTag(ctx: Ctx, table: 'Network' | 'Port', tag: number): Promise<void> {
  const taken =
    table === 'Port'
      ? await ctx.db.port.count({ where: { tag } })
      : await ctx.db.network.count({ where: { tag } })
  if (taken > 0)
    throw conflict(`Number ${tag} of the guest’s ${table.toLowerCase()} has been given out again meanwhile.`)
  await ctx.db.$queryRaw`SELECT setval(s, greatest(nextval(s), ${tag}))
    FROM pg_get_serial_sequence(${`"${table}"`}, 'tag') AS s`
}
