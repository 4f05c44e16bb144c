import { z } from 'zod'
import { type FloatingIpRecord, findFloatingIp, findFloatingIps } from '../floating-ips/queries.ts'
import { createFloatingIp, deleteFloatingIp, updateFloatingIp } from '../floating-ips/service.ts'
import { body, owner, ownerNamed } from './body.ts'
import { badRequest } from './errors.ts'
import { nullable, standardAttributes, status, text } from './query.ts'
import type { Resource } from './resource.ts'
import { standardView } from './views.ts'

const post = z.strictObject({
  ...owner,
  floating_network_id: body.uuid,
  subnet_id: body.uuid.nullish(),
  floating_ip_address: body.ip.nullish(),
  port_id: body.uuid.nullish(),
  fixed_ip_address: body.ip.nullish(),
  description: body.long.default(''),
})
const put = z.strictObject({
  port_id: body.uuid.nullish(),
  fixed_ip_address: body.ip.nullish(),
  description: body.long.optional(),
})

export const floatingIps: Resource<typeof post, typeof put, FloatingIpRecord> = {
  name: 'floatingip',
  table: 'FloatingIp',
  collection: 'floatingips',
  path: '/floatingips',
  kind: 'floating IP',
  attributes: {
    ...standardAttributes,
    floating_ip_address: text('address'),
    floating_network_id: text('networkId'),
    router_id: nullable('routerId'),
    port_id: nullable('portId'),
    fixed_ip_address: nullable('fixedAddress'),
    status: status('state'),
    port_details: null,
  },
  post,
  put,
  find: findFloatingIps,
  one: findFloatingIp,
  views: (_ctx, rows) => rows.map(floatingIpView),
  create: async (ctx, input) => {
    refuseFixedAlone(input)
    return (
      await createFloatingIp(ctx, {
        projectId: ownerNamed(input),
        networkId: input.floating_network_id,
        subnetId: input.subnet_id ?? undefined,
        address: input.floating_ip_address ?? undefined,
        portId: input.port_id ?? undefined,
        fixedAddress: input.fixed_ip_address ?? undefined,
        description: input.description,
      })
    ).id
  },
  update: (ctx, id, input) => {
    refuseFixedAlone(input)
    return updateFloatingIp(ctx, {
      id,
      portId: input.port_id,
      fixedAddress: input.fixed_ip_address ?? undefined,
      description: input.description,
    })
  },
  remove: (ctx, id) => deleteFloatingIp(ctx, { id }),
}

/** A fixed address is the address of a port, so it means nothing without the port. */
function refuseFixedAlone(input: { port_id?: string | null; fixed_ip_address?: string | null }): void {
  if (input.fixed_ip_address && !input.port_id)
    throw badRequest(
      'Bad floatingip request: fixed_ip_address cannot be specified without a port_id.',
      'BadRequest',
    )
}

const floatingIpView = (row: FloatingIpRecord): Record<string, unknown> => ({
  id: row.id,
  tenant_id: row.projectId,
  floating_ip_address: row.address,
  floating_network_id: row.networkId,
  router_id: row.routerId,
  port_id: row.portId,
  fixed_ip_address: row.fixedAddress,
  status: row.state.toUpperCase(),
  description: row.description,
  port_details: row.port
    ? {
        name: row.port.name,
        network_id: row.port.networkId,
        mac_address: row.port.mac,
        admin_state_up: row.port.adminUp,
        status: row.port.state.toUpperCase(),
        device_id: row.port.deviceId,
        device_owner: row.port.deviceOwner,
      }
    : null,
  ...standardView(row),
})
