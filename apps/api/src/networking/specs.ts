import type { Prisma, RouterModel } from '@stratolith/db'
import type {
  AddressSetSpec,
  FilterRule,
  NetworkSpec,
  PortSpec,
  RouterSpec,
} from '@stratolith/drivers/network/interface'
import { z } from 'zod'
import type { Ctx } from '../kernel/context.ts'
import { protocolNumber, type Rule } from './security-groups/rules.ts'

/** Database → driver specs: what a host must be told, in a stable order. Nothing here writes. */

type NetworkWithSubnets = Prisma.NetworkGetPayload<{ include: { subnets: true } }>

export function networkSpec(row: NetworkWithSubnets): NetworkSpec {
  return {
    id: row.id,
    tag: row.tag,
    mtu: row.mtu,
    external: row.external,
    subnets: [...row.subnets].sort(byId).map((subnet) => ({
      id: subnet.id,
      cidr: subnet.cidr,
      gatewayIp: subnet.gatewayIp,
      dhcp: subnet.dhcp,
      dhcpIp: subnet.dhcpIp,
      dns: subnet.dns,
    })),
  }
}

export const portSpecInclude = {
  network: { include: { subnets: true } },
  addresses: { include: { subnet: { select: { cidr: true } } }, orderBy: { address: 'asc' } },
  securityGroups: {
    include: { group: { include: { rules: { orderBy: { id: 'asc' } } } } },
    orderBy: { groupId: 'asc' },
  },
} satisfies Prisma.PortInclude
export type PortForSpec = Prisma.PortGetPayload<{ include: typeof portSpecInclude }>

/** `hostname` is what DHCP tells the guest and DNS answers. */
export function portSpec(row: PortForSpec, hostname: string): PortSpec {
  return {
    id: row.id,
    tag: row.tag,
    networkId: row.networkId,
    mac: row.mac,
    mtu: row.network.mtu,
    addresses: row.addresses.map((a) => ({
      subnetId: a.subnetId,
      ip: a.address,
      prefix: prefixOf(a.subnet.cidr),
    })),
    hostname,
    instanceId: row.deviceId,
    projectId: row.projectId,
    portSecurity: row.portSecurity,
    adminUp: row.adminUp && row.network.adminUp,
    rules: row.securityGroups.flatMap((s) => s.group.rules).map((rule) => filterRule(rule as Rule)),
  }
}

export function filterRule(rule: Rule): FilterRule {
  return {
    direction: rule.direction,
    ethertype: rule.ethertype,
    protocol: protocolNumber(rule),
    portMin: rule.portMin,
    portMax: rule.portMax,
    remote: rule.remoteGroupId
      ? { addressSet: rule.remoteGroupId }
      : rule.remoteCidr
        ? { cidr: rule.remoteCidr }
        : null,
  }
}

/** Members of security groups: the addresses of their ports. Only groups that are there. One query. */
export async function addressSetSpecs(
  ctx: Ctx,
  groupIds: readonly string[],
): Promise<Map<string, AddressSetSpec>> {
  const rows = await ctx.db.$queryRaw<AddressSetSpec[]>`
    SELECT g."id"::text AS "id", COALESCE(array_agg(DISTINCT a."address" ORDER BY a."address")
      FILTER (WHERE a."address" IS NOT NULL), '{}') AS "addresses"
    FROM "SecurityGroup" g LEFT JOIN "PortSecurityGroup" m ON m."groupId" = g."id"
    LEFT JOIN "PortAddress" a ON a."portId" = m."portId"
    WHERE g."id" = ANY(${[...groupIds]}::uuid[]) GROUP BY g."id"`
  return new Map(rows.map((row) => [row.id, row]))
}

/** Routers that are there. Four queries, however many. */
export async function routerSpecs(ctx: Ctx, routerIds: readonly string[]): Promise<Map<string, RouterSpec>> {
  const ids = [...routerIds]
  const [routers, ports] = await Promise.all([
    ctx.db.router.findMany({
      where: { id: { in: ids } },
      include: { floatingIps: { orderBy: { id: 'asc' } } },
    }),
    ctx.db.port.findMany({
      where: { deviceOwner: 'network:router_interface', deviceId: { in: ids } },
      include: { addresses: { include: { subnet: { select: { cidr: true } } } } },
      orderBy: { id: 'asc' },
    }),
  ])
  const outside = await externalSubnets(
    ctx,
    routers.flatMap((router) => router.externalNetworkId ?? []),
  )
  return new Map(
    routers.map((router) => [
      router.id,
      {
        id: router.id,
        tag: router.tag,
        adminUp: router.adminUp,
        external: externalOf(router, outside),
        interfaces: ports
          .filter((port) => port.deviceId === router.id)
          .flatMap((port) =>
            port.addresses.map((a) => ({
              portId: port.id,
              networkId: port.networkId,
              mac: port.mac,
              address: a.address,
              prefix: prefixOf(a.subnet.cidr),
            })),
          ),
        floatingIps: router.floatingIps.flatMap((fip) =>
          fip.fixedAddress ? [{ id: fip.id, address: fip.address, fixedAddress: fip.fixedAddress }] : [],
        ),
      },
    ]),
  )
}

type Outside = Map<string, { cidr: string; gatewayIp: string | null }>
/** The oldest subnet of each external network. */
async function externalSubnets(ctx: Ctx, networkIds: readonly string[]): Promise<Outside> {
  const subnets = await ctx.db.subnet.findMany({
    where: { networkId: { in: [...networkIds] } },
    orderBy: { createdAt: 'desc' },
    select: { networkId: true, cidr: true, gatewayIp: true },
  })
  return new Map(subnets.map((subnet) => [subnet.networkId, subnet]))
}

function externalOf(
  { externalNetworkId: networkId, externalAddress: address }: RouterModel,
  outside: Outside,
): RouterSpec['external'] {
  const subnet = networkId ? outside.get(networkId) : undefined
  if (!networkId || !address || !subnet?.gatewayIp) return null
  return { networkId, address, prefix: prefixOf(subnet.cidr), gatewayIp: subnet.gatewayIp }
}

/** Names by which the instances of these ports are known to DHCP and DNS. */
export async function hostnamesOf(
  ctx: Ctx,
  ports: readonly { deviceId: string }[],
): Promise<Map<string, string>> {
  const rows = await ctx.db.instance.findMany({
    where: { id: { in: ports.map((port) => port.deviceId).filter((id) => isUuid.safeParse(id).success) } },
    select: { id: true, hostname: true },
  })
  return new Map(rows.map((row) => [row.id, row.hostname]))
}
const isUuid = z.uuid()
export const unnamed = (instanceId: string) => `port-${instanceId.slice(0, 8)}`

const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id)
const prefixOf = (cidr: string): number => Number(cidr.split('/')[1])
