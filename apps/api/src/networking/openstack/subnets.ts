import { z } from 'zod'
import { invalidInput } from '../../kernel/errors.ts'
import { allocationPools, canonicalCidr } from '../ipv4.ts'
import { findSubnet, findSubnets, type SubnetRecord } from '../subnets/queries.ts'
import { deleteSubnet, newSubnet, updateSubnet } from '../subnets/service.ts'
import { body, owner } from './body.ts'
import { badRequest } from './errors.ts'
import { always, bool, nullable, standardAttributes, text } from './query.ts'
import type { Resource } from './resource.ts'
import { standardView } from './views.ts'

const pools = z
  .array(z.strictObject({ start: body.ip, end: body.ip }))
  .length(1, 'a subnet has one allocation pool here')
const noIpv6 = 'this cloud carries IPv4'
const noPools = 'there are no subnet pools here: name a cidr'
const common = {
  name: body.text,
  description: body.long,
  enable_dhcp: body.bool,
  gateway_ip: body.ip.nullable(),
  dns_nameservers: body.list(body.ip, 5),
  allocation_pools: pools,
  host_routes: body.without('a subnet tells its guests its gateway alone, no other routes'),
  service_types: body.without('every subnet is for every kind of port'),
}
const post = z.strictObject({
  ...owner,
  network_id: body.uuid,
  cidr: z.string().max(64).optional(),
  ip_version: body.int,
  name: common.name.default(''),
  description: common.description.default(''),
  enable_dhcp: common.enable_dhcp.default(true),
  gateway_ip: common.gateway_ip.optional(),
  dns_nameservers: common.dns_nameservers.default([]),
  allocation_pools: common.allocation_pools.optional(),
  host_routes: common.host_routes,
  service_types: common.service_types,
  ipv6_ra_mode: body.without(noIpv6),
  ipv6_address_mode: body.without(noIpv6),
  subnetpool_id: body.without(noPools),
  prefixlen: body.without(noPools),
})
const put = z.strictObject(common).partial()

export const subnets: Resource<typeof post, typeof put, SubnetRecord> = {
  name: 'subnet',
  table: 'Subnet',
  collection: 'subnets',
  path: '/subnets',
  kind: 'subnet',
  attributes: {
    ...standardAttributes,
    name: text('name'),
    network_id: text('networkId'),
    cidr: text('cidr'),
    gateway_ip: nullable('gatewayIp'),
    enable_dhcp: bool('dhcp'),
    'router:external': bool('external'),
    shared: bool('shared'),
    ip_version: always(4),
    subnetpool_id: always(null),
    ipv6_ra_mode: always(null),
    ipv6_address_mode: always(null),
    allocation_pools: null,
    host_routes: null,
    dns_nameservers: null,
    service_types: null,
  },
  post,
  put,
  find: findSubnets,
  one: findSubnet,
  views: (_ctx, rows) => rows.map(subnetView),
  create: (ctx, input) => {
    if (input.ip_version !== 4)
      throw invalidInput(`ip_version ${input.ip_version} is not offered: this cloud carries IPv4.`)
    if (input.cidr === undefined) throw badRequest(`Invalid input for cidr. Reason: ${noPools}.`)
    const cidr = canonicalCidr(input.cidr)
    if (cidr === null)
      throw badRequest(`Invalid input for cidr. Reason: '${input.cidr}' is not a valid IP subnet.`)
    return newSubnet(ctx, {
      networkId: input.network_id,
      name: input.name,
      description: input.description,
      cidr,
      gatewayIp: input.gateway_ip,
      dhcp: input.enable_dhcp,
      dns: input.dns_nameservers,
      pool: input.allocation_pools?.[0],
    })
  },
  update: (ctx, id, input) =>
    updateSubnet(ctx, {
      id,
      name: input.name,
      description: input.description,
      gatewayIp: input.gateway_ip,
      dhcp: input.enable_dhcp,
      dns: input.dns_nameservers,
      pool: input.allocation_pools?.[0],
    }),
  remove: (ctx, id) => deleteSubnet(ctx, { id }),
  access: {
    create: {
      deviation:
        'IPv4 only; one allocation pool and no host routes a subnet; no subnet pools. A subnet is of its network’s project.',
    },
    update: { deviation: 'One allocation pool, no host routes.' },
  },
}
const subnetView = (row: SubnetRecord): Record<string, unknown> => ({
  id: row.id,
  name: row.name,
  tenant_id: row.projectId,
  network_id: row.networkId,
  ip_version: 4,
  subnetpool_id: null,
  enable_dhcp: row.dhcp,
  ipv6_ra_mode: null,
  ipv6_address_mode: null,
  gateway_ip: row.gatewayIp,
  cidr: row.cidr,
  allocation_pools: allocationPools(row),
  host_routes: [],
  dns_nameservers: row.dns,
  description: row.description,
  service_types: [],
  ...standardView(row),
  'router:external': row.network.external,
})
