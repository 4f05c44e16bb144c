import { Prisma, type RouterModel } from '@stratolith/db'
import type {
  AddressSetSpec,
  FilterRule,
  NetworkSpec,
  PortSpec,
  RouterSpec,
} from '@stratolith/drivers/network/interface'
import type { Ctx } from '../kernel/context.ts'
import { hostnameOf } from './ports/hostnames.ts'
import { protocolNumber, type Rule } from './security-groups/rules.ts'

/**
 * Turns rows of the database into driver specs: what a host must be told, in a stable order. Nothing in this file
 * writes.
 */

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

/** A port with everything that its host is told, except the rules of its groups. */
export type PortForSpec = Omit<PortSpec, 'addresses' | 'rules' | 'hostname'> & {
  /** The hostname of the port's instance, which DHCP tells the guest and DNS answers. */
  hostname: string | null
  addresses: { subnetId: string; address: string; cidr: string }[]
  groupIds: string[]
}
type RuleOfGroup = Rule & { groupId: string }

/** The ID of the instance that has the port; null when something else has it. */
const deviceOfPort = Prisma.sql`
  CASE WHEN p."deviceOwner" = 'compute:nova' AND p."deviceId" <> '' THEN p."deviceId"::uuid END`

/** Returns the specs of those ports that exist. Two queries, however many ports. */
export async function portSpecs(ctx: Ctx, portIds: readonly string[]): Promise<Map<string, PortSpec>> {
  const rows = await ctx.db.$queryRaw<PortForSpec[]>`
    SELECT p."id"::text AS "id", p."tag", p."networkId"::text AS "networkId", p."mac", n."mtu",
      p."deviceId" AS "instanceId", p."projectId", p."portSecurity", p."adminUp" AND n."adminUp" AS "adminUp",
      (${hostnameOf(deviceOfPort)}) AS "hostname",
      COALESCE((SELECT jsonb_agg(jsonb_build_object('subnetId', a."subnetId", 'address', a."address", 'cidr', s."cidr")
        ORDER BY a."address") FROM "PortAddress" a JOIN "Subnet" s ON s."id" = a."subnetId" WHERE a."portId" = p."id"), '[]') AS "addresses",
      (SELECT COALESCE(array_agg(m."groupId"::text ORDER BY m."groupId"), '{}') FROM "PortSecurityGroup" m
        WHERE m."portId" = p."id") AS "groupIds"
    FROM "Port" p JOIN "Network" n ON n."id" = p."networkId" WHERE p."id" = ANY(${[...portIds]}::uuid[])`
  const groupIds = [...new Set(rows.flatMap((row) => row.groupIds))]
  const rules = await ctx.db.securityGroupRule.findMany({
    where: { groupId: { in: groupIds } },
    orderBy: { id: 'asc' },
  })
  const byGroup = Map.groupBy(rules as unknown as RuleOfGroup[], (rule) => rule.groupId)
  return new Map(rows.map((row) => [row.id, portSpec(row, byGroup)]))
}

export function portSpec(row: PortForSpec, rulesOf: ReadonlyMap<string, readonly Rule[]>): PortSpec {
  const { addresses, groupIds, hostname, ...spec } = row
  return {
    ...spec,
    addresses: addresses.map((a) => ({ subnetId: a.subnetId, ip: a.address, prefix: prefixOf(a.cidr) })),
    hostname: hostname ?? `port-${row.instanceId.slice(0, 8)}`,
    rules: groupIds.flatMap((id) => rulesOf.get(id) ?? []).map(filterRule),
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

/** Returns the members of those security groups that exist: the addresses of their ports. One query. */
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

/** Returns the specs of those routers that exist. Four queries, however many routers. */
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
/** Returns the oldest subnet of each external network. */
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

const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id)
const prefixOf = (cidr: string): number => Number(cidr.split('/')[1])
