import { z } from 'zod'
import { associateFloatingIp, findOwnFloatingIp } from '../../networking/service.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { inner, objectAt, parse } from '../../openstack/schema.ts'
import {
  attachInterface,
  detachInterface,
  getInterface,
  type InstanceInterface,
  listInterfaces,
} from '../instances/interfaces.ts'
import { at } from './fields.ts'
import { withoutConflict } from './neutron.ts'
import { serverAction } from './server-actions.ts'

const fields: Field<InstanceInterface>[] = [
  { name: 'net_id', of: (i) => i.networkId },
  { name: 'port_id', of: (i) => i.portId },
  { name: 'mac_addr', of: (i) => i.mac },
  { name: 'port_state', of: (i) => i.state.toUpperCase() },
  {
    name: 'fixed_ips',
    of: (i) => i.addresses.map(({ subnetId, address }) => ({ subnet_id: subnetId, ip_address: address })),
  },
  { name: 'tag', since: 70, of: () => null },
]
const view = (call: Call, one: InstanceInterface) => shape(fields, one, at(call))
const id = (call: Call) => ({ id: call.params.server_id ?? '' })
const both = (call: Call) => ({ ...id(call), portId: call.params.port_id ?? '' })

const uuid = z.uuid('is not a UUID')
const creation = (minor: number) =>
  objectAt(minor, {
    net_id: uuid.optional(),
    port_id: uuid.optional(),
    fixed_ips: z
      .array(z.strictObject({ ip_address: z.ipv4() }))
      .length(1)
      .optional(),
    tag: { schema: z.string().max(60).optional(), since: 49 },
  }) as z.ZodType<{
    net_id?: string
    port_id?: string
    fixed_ips?: { ip_address: string }[]
    tag?: string
  }>

async function attach(call: Call): Promise<object> {
  const wish = inner(call, 'interfaceAttachment', creation(call.minor))
  const address = wish.fixed_ips?.[0]?.ip_address
  if (wish.tag !== undefined) throw new HttpError(400, 'Device tags are not told to guests by this cloud.')
  if (wish.net_id !== undefined && wish.port_id !== undefined)
    throw new HttpError(400, 'Must not input both network_id and port_id')
  if (address !== undefined && wish.net_id === undefined)
    throw new HttpError(400, 'Must input network_id when request IP address')
  const made = await attachInterface(call.ctx, {
    ...id(call),
    ...(wish.net_id === undefined ? {} : { networkId: wish.net_id }),
    ...(wish.port_id === undefined ? {} : { portId: wish.port_id }),
    ...(address === undefined ? {} : { address }),
  })
  return { interfaceAttachment: view(call, made) }
}

const floating = z.strictObject({ address: z.ipv4(), fixed_address: z.ipv4().optional() })
const item = { path: '/servers/:server_id/os-interface/:port_id' }

export const interfaceOperations: ApiOperation[] = [
  {
    name: 'servers.interfaces.list',
    method: 'GET',
    path: '/servers/:server_id/os-interface',
    summary: 'List the interfaces of a server',
    status: 200,
    access: 'read',
    handle: async (call) => ({
      interfaceAttachments: (await listInterfaces(call.ctx, id(call))).map((one) => view(call, one)),
    }),
  },
  {
    name: 'servers.interfaces.create',
    method: 'POST',
    path: '/servers/:server_id/os-interface',
    summary: 'Attach an interface to a server',
    status: 200,
    access: 'write',
    deviation:
      'It answers before the guest has the device; port_state becomes ACTIVE then. Without net_id and port_id it is a 400. Device tags are refused. Refused (409) while the guest runs on a host that is known not to answer.',
    handle: attach,
  },
  {
    ...item,
    name: 'servers.interfaces.get',
    method: 'GET',
    summary: 'Show an interface of a server',
    status: 200,
    access: 'read',
    handle: async (call) => ({ interfaceAttachment: view(call, await getInterface(call.ctx, both(call))) }),
  },
  {
    ...item,
    name: 'servers.interfaces.delete',
    method: 'DELETE',
    summary: 'Detach an interface of a server',
    status: 202,
    access: 'write',
    handle: (call) => detachInterface(call.ctx, both(call)),
  },
  serverAction('addFixedIp', {
    summary: 'Attach an interface on a network, the old way',
    until: 43,
    run: async (call) => {
      const { networkId } = parse(z.strictObject({ networkId: uuid }), call.body)
      await attachInterface(call.ctx, { ...id(call), networkId })
    },
  }),
  serverAction('removeFixedIp', {
    summary: 'Detach the interface that has an address, the old way',
    until: 43,
    deviation: 'The whole interface goes: an interface of ours has one address.',
    run: async (call) => {
      const { address } = parse(z.strictObject({ address: z.ipv4() }), call.body)
      const all = await listInterfaces(call.ctx, id(call))
      const found = all.find((one) => one.addresses.some((a) => a.address === address))
      if (!found) throw new HttpError(400, `Instance has no fixed address ${address}.`)
      await detachInterface(call.ctx, { ...id(call), portId: found.portId })
    },
  }),
  withoutConflict(
    serverAction('addFloatingIp', {
      summary: 'Give a server a floating IP, the old way',
      until: 43,
      run: async (call) => {
        const wish = parse(floating, call.body)
        const all = await listInterfaces(call.ctx, id(call))
        const port = wish.fixed_address
          ? all.find((one) => one.addresses.some((a) => a.address === wish.fixed_address))
          : all[0]
        if (!port) throw new HttpError(400, 'No such fixed address is on the instance.')
        const fip = await floatingIpOf(call, wish.address)
        await associateFloatingIp(call.ctx, { id: fip.id, portId: port.portId })
      },
    }),
  ),
  serverAction('removeFloatingIp', {
    summary: 'Take a floating IP off a server, the old way',
    until: 43,
    run: async (call) => {
      const { address } = parse(floating, call.body)
      const all = await listInterfaces(call.ctx, id(call))
      const fip = await floatingIpOf(call, address)
      if (!all.some((one) => one.portId === fip.portId))
        throw new HttpError(409, `Floating IP ${address} is not associated with the server.`)
      await associateFloatingIp(call.ctx, { id: fip.id, portId: null })
    },
  }),
]
async function floatingIpOf(call: Call, address: string): Promise<{ id: string; portId: string | null }> {
  const found = await findOwnFloatingIp(call.ctx, address)
  if (!found) throw new HttpError(404, 'floating IP not found')
  return found
}
