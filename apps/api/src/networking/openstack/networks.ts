import { z } from 'zod'
import { zonesWithHosts } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { invalidInput } from '../../kernel/errors.ts'
import {
  findNetwork,
  findNetworks,
  isShared,
  type NetworkRecord,
  refuseUnknownZones,
} from '../networks/queries.ts'
import { createNetwork, deleteNetwork, updateNetwork } from '../networks/service.ts'
import { body, owner, ownerNamed } from './body.ts'
import { always, bool, int, nothing, standardAttributes, status, text } from './query.ts'
import type { Resource } from './resource.ts'
import { standardView } from './views.ts'

/** Every network is a bridge on each host. There is one kind of network inside of the cloud and one kind outside. */
const kinds = {
  inside: { network_type: 'local', physical_network: null, segmentation_id: null },
  outside: { network_type: 'flat', physical_network: 'public', segmentation_id: null },
}
const provider = {
  'provider:network_type': z.string().max(32).nullish(),
  'provider:physical_network': z.string().max(64).nullish(),
  'provider:segmentation_id': body.int.nullish(),
}
const post = z.strictObject({
  ...owner,
  ...provider,
  name: body.text.default(''),
  description: body.long.default(''),
  admin_state_up: body.bool.default(true),
  shared: body.bool.default(false),
  'router:external': body.bool.default(false),
  /**
   * 0 asks for the default. A value that is too small is refused and not raised, because nobody asked for the raised
   * value.
   */
  mtu: body.int
    .pipe(
      z
        .int()
        .max(9000)
        .refine((mtu) => mtu === 0 || mtu >= 576, 'an MTU is from 576 to 9000, or 0 for the default'),
    )
    .default(0),
  port_security_enabled: body.bool.default(true),
  availability_zone_hints: body.zoneHints.default([]),
})
const put = z.strictObject({
  ...provider,
  name: body.text.optional(),
  description: body.long.optional(),
  admin_state_up: body.bool.optional(),
  shared: body.bool.optional(),
  'router:external': body.bool.optional(),
  mtu: body.int.pipe(z.int().min(576).max(9000)).optional(),
  port_security_enabled: body.bool.optional(),
})

export const networks: Resource<typeof post, typeof put, NetworkRecord> = {
  name: 'network',
  table: 'Network',
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
    availability_zone_hints: text('zoneHints'),
    availability_zones: null,
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    port_security_enabled: bool('portSecurity'),
    'provider:network_type': null,
    'provider:physical_network': null,
    'provider:segmentation_id': always(null),
  },
  specials: {
    'provider:network_type': (values) => ofKinds('network_type', values),
    'provider:physical_network': (values) => ofKinds('physical_network', values),
  },
  post,
  put,
  find: findNetworks,
  one: findNetwork,
  views: async (ctx, rows) => {
    const zones = (await zonesWithHosts(ctx)).map((zone) => zone.name)
    return rows.map((row) => networkView(ctx, row, zones))
  },
  create: async (ctx, input) => {
    refuseOtherKind(input, input['router:external'])
    await refuseUnknownZones(ctx, input.availability_zone_hints)
    return (
      await createNetwork(ctx, {
        projectId: ownerNamed(input),
        name: input.name,
        description: input.description,
        adminUp: input.admin_state_up,
        shared: input.shared,
        external: input['router:external'],
        mtu: input.mtu || 1500,
        portSecurity: input.port_security_enabled,
        zoneHints: input.availability_zone_hints,
      })
    ).id
  },
  update: async (ctx, id, input) => {
    if (Object.keys(provider).some((name) => name in input))
      refuseOtherKind(input, input['router:external'] ?? (await findNetwork(ctx, id)).external)
    await updateNetwork(ctx, {
      id,
      name: input.name,
      description: input.description,
      adminUp: input.admin_state_up,
      shared: input.shared,
      external: input['router:external'],
      mtu: input.mtu,
      portSecurity: input.port_security_enabled,
    })
  },
  remove: (ctx, id) => deleteNetwork(ctx, { id }),
  access: {
    create: {
      deviation:
        'provider:* is shown to administrators; they may name the one kind of network that there is inside, and the one outside.',
    },
    update: { deviation: 'router:external can change only before the network has subnets.' },
  },
}

type Kind = keyof typeof kinds
const kindOf = (external: boolean): Kind => (external ? 'outside' : 'inside')

function ofKinds(what: 'network_type' | 'physical_network', values: string[]) {
  const any = [true, false].filter((external) => values.includes(kinds[kindOf(external)][what] ?? ''))
  return any.length > 0 ? { field: 'external', any } : nothing
}

/** A caller may name the kind that the network gets anyway; every other kind is refused. */
function refuseOtherKind(input: z.output<z.ZodObject<typeof provider>>, external: boolean): void {
  const kind = kinds[kindOf(external)]
  for (const name of ['network_type', 'physical_network', 'segmentation_id'] as const) {
    const wish = input[`provider:${name}`] ?? null
    if (wish !== null && wish !== kind[name])
      throw invalidInput(
        `Invalid input for provider:${name}. Reason: this cloud makes ${external ? 'external networks flat, on the physical network "public"' : 'networks local, without a physical network'}, and numbers them itself.`,
      )
  }
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
    subnets: row.subnets.map((subnet) => subnet.id).sort(),
    shared: isShared(ctx, row),
    availability_zone_hints: row.zoneHints,
    availability_zones: zones,
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    'router:external': row.external,
    description: row.description,
    port_security_enabled: row.portSecurity,
    ...standardView(row),
    ...Object.fromEntries(
      Object.entries(kinds[kindOf(row.external)]).map(([name, value]) => [`provider:${name}`, value]),
    ),
  }
}
