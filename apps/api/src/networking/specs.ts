import type { Prisma } from '@stratolith/db'
import type {
  AddressSetSpec,
  FilterRule,
  NetworkSpec,
  PortSpec,
  RouterSpec,
} from '@stratolith/drivers/network/interface'
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

/** Members of a security group: the addresses of its ports. */
export async function addressSetSpec(ctx: Ctx, groupId: string): Promise<AddressSetSpec> {
  const rows = await ctx.db.portAddress.findMany({
    where: { port: { securityGroups: { some: { groupId } } } },
    select: { address: true },
    orderBy: { address: 'asc' },
  })
  return { id: groupId, addresses: [...new Set(rows.map((row) => row.address))] }
}

export async function routerSpec(
  ctx: Ctx,
  routerId: string,
): Promise<{ spec: RouterSpec; networkIds: string[] } | null> {
  const router = await ctx.db.router.findUnique({
    where: { id: routerId },
    include: { floatingIps: { orderBy: { id: 'asc' } } },
  })
  if (!router) return null
  const [ports, external] = await Promise.all([
    ctx.db.port.findMany({
      where: { deviceOwner: 'network:router_interface', deviceId: routerId },
      include: { addresses: { include: { subnet: { select: { cidr: true } } } } },
      orderBy: { id: 'asc' },
    }),
    router.externalNetworkId
      ? ctx.db.subnet.findFirst({
          where: { networkId: router.externalNetworkId },
          orderBy: { createdAt: 'asc' },
        })
      : null,
  ])
  const spec: RouterSpec = {
    id: router.id,
    tag: router.tag,
    adminUp: router.adminUp,
    external:
      router.externalNetworkId && router.externalAddress && external?.gatewayIp
        ? {
            networkId: router.externalNetworkId,
            address: router.externalAddress,
            prefix: prefixOf(external.cidr),
            gatewayIp: external.gatewayIp,
          }
        : null,
    interfaces: ports.flatMap((port) =>
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
  }
  return {
    spec,
    networkIds: [
      ...new Set([
        ...ports.map((port) => port.networkId),
        ...(router.externalNetworkId ? [router.externalNetworkId] : []),
      ]),
    ],
  }
}

const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id)
const prefixOf = (cidr: string): number => Number(cidr.split('/')[1])
