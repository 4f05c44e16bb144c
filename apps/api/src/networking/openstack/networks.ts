import { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { findNetwork, findNetworks, isShared, type NetworkRecord, networkZones } from '../networks/find.ts'
import { createNetwork, deleteNetwork, updateNetwork } from '../networks/service.ts'
import { body, owner, ownerNamed } from './body.ts'
import { bool, int, standardAttributes, status, text } from './query.ts'
import type { Resource } from './resource.ts'
import { standardView } from './views.ts'

const post = z.strictObject({
  ...owner,
  name: body.text.default(''),
  description: body.long.default(''),
  admin_state_up: body.bool.default(true),
  shared: body.bool.default(false),
  'router:external': body.bool.default(false),
  mtu: body.int.pipe(z.int().min(0).max(9000)).default(0),
})
const put = z.strictObject({
  name: body.text.optional(),
  description: body.long.optional(),
  admin_state_up: body.bool.optional(),
  shared: body.bool.optional(),
  'router:external': body.bool.optional(),
  mtu: body.int.pipe(z.int().min(576).max(9000)).optional(),
})

export const networks: Resource<typeof post, typeof put, NetworkRecord> = {
  name: 'network',
  collection: 'networks',
  path: '/networks',
  kind: 'network',
  attributes: {
    ...standardAttributes,
    name: text('name'),
    admin_state_up: bool('adminUp'),
    status: status('state'),
    shared: bool('shared'),
    'router:external': bool('external'),
    mtu: int('mtu'),
    subnets: null,
    availability_zone_hints: null,
    availability_zones: null,
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    port_security_enabled: null,
    'provider:network_type': null,
    'provider:physical_network': null,
    'provider:segmentation_id': null,
  },
  post,
  put,
  find: findNetworks,
  one: findNetwork,
  views: async (ctx, rows) => {
    const zones = (await networkZones(ctx)).map((zone) => zone.name)
    return rows.map((row) => networkView(ctx, row, zones))
  },
  create: async (ctx, input) =>
    (
      await createNetwork(ctx, {
        projectId: ownerNamed(input),
        name: input.name,
        description: input.description,
        adminUp: input.admin_state_up,
        shared: input.shared,
        external: input['router:external'],
        mtu: input.mtu === 0 ? 1500 : Math.max(input.mtu, 576),
      })
    ).id,
  update: (ctx, id, input) =>
    updateNetwork(ctx, {
      id,
      name: input.name,
      description: input.description,
      adminUp: input.admin_state_up,
      shared: input.shared,
      external: input['router:external'],
      mtu: input.mtu,
    }),
  remove: (ctx, id) => deleteNetwork(ctx, { id }),
  access: {
    create: {
      deviation:
        'provider:* is shown to administrators but chosen by the cloud: there is one kind of network.',
    },
    update: { deviation: 'router:external can change only before the network has subnets.' },
  },
}

/** `provider:*` is shown to administrators only (resource.ts). */
function networkView(ctx: Ctx, row: NetworkRecord, zones: string[]): Record<string, unknown> {
  return {
    id: row.id,
    name: row.name,
    tenant_id: row.projectId,
    admin_state_up: row.adminUp,
    mtu: row.mtu,
    status: row.state.toUpperCase(),
    subnets: row.subnets.map((subnet) => subnet.id),
    shared: isShared(ctx, row),
    availability_zone_hints: [],
    availability_zones: zones,
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    'router:external': row.external,
    description: row.description,
    port_security_enabled: true,
    ...standardView(row),
    // A bridge on each host, by the small number that names it there.
    'provider:network_type': row.external ? 'flat' : 'local',
    'provider:physical_network': row.external ? 'public' : null,
    'provider:segmentation_id': null,
  }
}
