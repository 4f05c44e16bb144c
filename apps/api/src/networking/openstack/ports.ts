import { z } from 'zod'
import { macInput } from '../contract.ts'
import { createPort, deletePort, updatePort } from '../ports/change.ts'
import { type AddressWish, findPort, findPorts, type PortRecord } from '../ports/queries.ts'
import { body, owner, ownerNamed } from './body.ts'
import { badRequest } from './errors.ts'
import { always, bool, standardAttributes, status, text } from './query.ts'
import type { Resource } from './resource.ts'
import { standardView } from './views.ts'

const fixedIps = z
  .array(z.strictObject({ subnet_id: body.uuid.optional(), ip_address: body.ip.optional() }))
  .max(5, 'Exceeded maximum amount of fixed ips per port')
const mac = z
  .string()
  .transform((text) => text.replaceAll('-', ':'))
  .pipe(macInput)
const common = {
  name: body.text,
  description: body.long,
  admin_state_up: body.bool,
  fixed_ips: fixedIps,
  mac_address: mac,
  security_groups: z.array(body.uuid).max(50),
  port_security_enabled: body.bool,
  device_id: body.text,
  device_owner: body.text,
  'binding:vnic_type': z.literal('normal', 'every port is a tap on a bridge: normal'),
  'binding:host_id': body.without('a port is where its instance runs'),
  'binding:profile': body.without('a tap on a bridge has no profile'),
  allowed_address_pairs: body.without('a port has its own addresses alone, unless its port security is off'),
  extra_dhcp_opts: body.without('guests are told what their subnet says'),
}
const optional = z.strictObject(common).partial().shape
const tags = z.array(z.string().min(1).max(60)).max(50)
const post = z.strictObject({
  ...owner,
  network_id: body.uuid,
  ...optional,
  tags: tags.optional(),
})
const put = z.strictObject(optional)

export const ports: Resource<typeof post, typeof put, PortRecord> = {
  name: 'port',
  table: 'Port',
  collection: 'ports',
  path: '/ports',
  kind: 'port',
  attributes: {
    ...standardAttributes,
    name: text('name'),
    network_id: text('networkId'),
    mac_address: { field: 'mac', as: 'lower' },
    admin_state_up: bool('adminUp'),
    status: status('state'),
    device_id: text('deviceId'),
    device_owner: text('deviceOwner'),
    port_security_enabled: bool('portSecurity'),
    security_groups: text('securityGroups'),
    'binding:host_id': text('host'),
    fixed_ips: null,
    allowed_address_pairs: null,
    extra_dhcp_opts: null,
    'binding:vnic_type': always('normal'),
    'binding:profile': null,
    'binding:vif_type': null,
    'binding:vif_details': null,
  },
  specials: { fixed_ips: (values) => ({ field: 'fixedIps', any: [fixedIpsSought(values)] }) },
  post,
  put,
  find: findPorts,
  one: findPort,
  views: (_ctx, rows) => rows.map(portView),
  create: async (ctx, input) =>
    (
      await createPort(ctx, {
        ...portInput(input),
        projectId: ownerNamed(input),
        networkId: input.network_id,
        name: input.name ?? '',
        description: input.description ?? '',
        adminUp: input.admin_state_up ?? true,
        deviceId: input.device_id ?? '',
        deviceOwner: input.device_owner ?? '',
        tags: input.tags ?? [],
      })
    ).id,
  update: (ctx, id, input) => updatePort(ctx, { ...portInput(input), id }),
  remove: (ctx, id) => deletePort(ctx, { id }),
  access: {
    list: {
      deviation: 'The project’s own ports; those of others on its network are their owners’ business.',
    },
    create: {
      deviation:
        'No allowed address pairs, DHCP options or binding by the caller; device owners network:* and compute:* are set by routers and instances alone.',
    },
    delete: { deviation: 'Refused (409 PortInUse) while an instance has it: detach it there.' },
  },
}

const portInput = (input: z.output<typeof put>) => ({
  name: input.name,
  description: input.description,
  adminUp: input.admin_state_up,
  fixedIps: input.fixed_ips?.map((wish) => ({ subnetId: wish.subnet_id, address: wish.ip_address })),
  mac: input.mac_address,
  securityGroupIds: input.security_groups,
  portSecurity: input.port_security_enabled,
  deviceId: input.device_id,
  deviceOwner: input.device_owner,
})

/**
 * Reads fixed_ips=ip_address=10.0.0.3&fixed_ips=subnet_id=…: one address of a port must match one value of each kind.
 */
function fixedIpsSought(values: string[]): AddressWish {
  const of = (kind: string) => {
    const found = values.flatMap((value) =>
      value.startsWith(`${kind}=`) ? value.slice(kind.length + 1) : [],
    )
    return found.length > 0 ? found : undefined
  }
  if (values.some((value) => !/^(subnet_id|ip_address|ip_address_substr)=/.test(value)))
    throw badRequest('Invalid input for fixed_ips. Reason: write it as ip_address=… or subnet_id=….')
  return { subnetIds: of('subnet_id'), addresses: of('ip_address'), substrings: of('ip_address_substr') }
}

/** `binding:*` is shown to administrators only (resource.ts). */
const portView = (row: PortRecord): Record<string, unknown> => ({
  id: row.id,
  name: row.name,
  network_id: row.networkId,
  tenant_id: row.projectId,
  mac_address: row.mac,
  admin_state_up: row.adminUp,
  status: row.state.toUpperCase(),
  device_id: row.deviceId,
  device_owner: row.deviceOwner,
  fixed_ips: row.addresses.map((a) => ({ subnet_id: a.subnetId, ip_address: a.address })),
  allowed_address_pairs: [],
  extra_dhcp_opts: [],
  security_groups: row.securityGroups.map((s) => s.groupId),
  description: row.description,
  'binding:vnic_type': 'normal',
  'binding:profile': {},
  'binding:host_id': row.host ?? '',
  'binding:vif_type': row.hostId ? 'bridge' : 'unbound',
  'binding:vif_details': row.hostId ? { port_filter: row.portSecurity } : {},
  port_security_enabled: row.portSecurity,
  ...standardView(row),
})
