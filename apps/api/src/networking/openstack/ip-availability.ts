import type { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { authorize } from '../../kernel/policy.ts'
import { guestAddresses } from '../ipv4.ts'
import { findNetwork, findNetworks, type NetworkRecord } from '../networks/queries.ts'
import { usedAddresses } from '../networks/view.ts'
import { findSubnets, type SubnetRecord } from '../subnets/queries.ts'
import { nothing, text } from './query.ts'
import type { Resource } from './resource.ts'

type Row = NetworkRecord
const guarded = (ctx: Ctx) => authorize(ctx, 'network:ip_availability')

/** How many addresses each network has, and how many of them ports have. */
export const ipAvailabilities: Resource<z.ZodObject, z.ZodObject, Row> = {
  name: 'network_ip_availability',
  collection: 'network_ip_availabilities',
  path: '/network-ip-availabilities',
  kind: 'network',
  attributes: {
    network_id: text('id'),
    network_name: text('name'),
    project_id: text('projectId'),
    tenant_id: text('projectId'),
    total_ips: null,
    used_ips: null,
    subnet_ip_availability: null,
  },
  specials: { ip_version: (values) => (values.includes('4') ? undefined : nothing) },
  find: (ctx, input) => {
    guarded(ctx)
    return findNetworks(ctx, input)
  },
  one: (ctx, id) => {
    guarded(ctx)
    return findNetwork(ctx, id)
  },
  views: async (ctx, rows) => {
    const where = [{ field: 'networkId', any: rows.map((row) => row.id) }]
    const subnets = await findSubnets(ctx, { where })
    const used = await usedAddresses(
      ctx,
      subnets.map((subnet) => subnet.id),
    )
    return rows.map((row) => {
      const own = subnets.filter((subnet) => subnet.networkId === row.id).map((s) => ofSubnet(s, used))
      return {
        network_id: row.id,
        network_name: row.name,
        tenant_id: row.projectId,
        project_id: row.projectId,
        subnet_ip_availability: own,
        used_ips: own.reduce((sum, s) => sum + s.used_ips, 0),
        total_ips: own.reduce((sum, s) => sum + s.total_ips, 0),
      }
    })
  },
  access: { list: { access: 'adminRead' }, get: { access: 'adminRead' } },
}

const ofSubnet = (subnet: SubnetRecord, used: Map<string, number>) => ({
  subnet_id: subnet.id,
  subnet_name: subnet.name,
  ip_version: 4,
  cidr: subnet.cidr,
  used_ips: used.get(subnet.id) ?? 0,
  total_ips: guestAddresses(subnet),
})
