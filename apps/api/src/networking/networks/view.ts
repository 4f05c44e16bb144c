import { type Ctx, visible } from '../../kernel/context.ts'
import type { NetworkView, SubnetView } from '../contract.ts'
import { allocationPools, guestAddresses } from '../ipv4.ts'
import type { NetworkRow } from './load.ts'

/** Makes the views of one page with three queries, whatever its length. */
export async function networkViews(ctx: Ctx, rows: readonly NetworkRow[]): Promise<NetworkView[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.id)
  const subnetIds = rows.flatMap((row) => row.subnets.map((subnet) => subnet.id))
  const [ports, used, interfaces] = await Promise.all([
    ctx.db.port.groupBy({
      by: ['networkId'],
      where: { networkId: { in: ids }, deviceOwner: { not: 'network:router_interface' } },
      _count: true,
    }),
    usedAddresses(ctx, subnetIds),
    ctx.db.port.findMany({
      where: { networkId: { in: ids }, deviceOwner: 'network:router_interface' },
      select: { networkId: true, deviceId: true },
    }),
  ])
  // The router of a shared network is shown to the router's owner only.
  const routers = await ctx.db.router.findMany({
    where: { ...visible(ctx), id: { in: interfaces.map((i) => i.deviceId) } },
    select: { id: true, name: true, externalAddress: true },
  })
  const routerById = new Map(routers.map((router) => [router.id, router]))
  const routerOf = new Map(interfaces.map((i) => [i.networkId, routerById.get(i.deviceId)]))
  const portsOf = new Map(ports.map((p) => [p.networkId, p._count]))
  const projectId = ctx.scope.kind === 'project' ? ctx.scope.projectId : null
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    projectId: row.projectId,
    external: row.external,
    shared: row.shared,
    adminUp: row.adminUp,
    mtu: row.mtu,
    portSecurity: row.portSecurity,
    state: row.state as NetworkView['state'],
    createdAt: row.createdAt.toISOString(),
    subnets: row.subnets.map(
      (subnet): SubnetView => ({
        id: subnet.id,
        networkId: subnet.networkId,
        name: subnet.name,
        description: subnet.description,
        cidr: subnet.cidr,
        gatewayIp: subnet.gatewayIp,
        dhcp: subnet.dhcp,
        dns: subnet.dns,
        pool: { start: subnet.poolStart, end: subnet.poolEnd },
        pools: allocationPools(subnet),
        addressesUsed: used.get(subnet.id) ?? 0,
        addressesTotal: guestAddresses(subnet),
      }),
    ),
    router: routerOf.get(row.id) ?? null,
    ports: portsOf.get(row.id) ?? 0,
    own: row.projectId === projectId,
  }))
}

/**
 * Counts the used addresses by subnet, without those of routers: they are gateways, which guestAddresses leaves out
 * already. One query.
 */
export async function usedAddresses(ctx: Ctx, subnetIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await ctx.db.portAddress.groupBy({
    by: ['subnetId'],
    where: { subnetId: { in: [...subnetIds] }, port: { deviceOwner: { not: 'network:router_interface' } } },
    _count: true,
  })
  return new Map(rows.map((row) => [row.subnetId, row._count]))
}
