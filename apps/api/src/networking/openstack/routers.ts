import { z } from 'zod'
import { zonesWithHosts } from '../../hosts/service.ts'
import type { ApiOperation } from '../../openstack/operation.ts'
import { refuseUnknownZones } from '../networks/queries.ts'
import { findRouter, findRouters, type RouterRecord } from '../routers/queries.ts'
import {
  createRouter,
  deleteRouter,
  plugRouter,
  type RouterPlace,
  unplugRouter,
  updateRouter,
} from '../routers/service.ts'
import { body, owner, ownerNamed } from './body.ts'
import { badRequest } from './errors.ts'
import { always, bool, standardAttributes, status, text } from './query.ts'
import { idOf, operation, type Resource } from './resource.ts'
import { withRevision } from './revisions.ts'
import { standardView } from './views.ts'

const gateway = z
  .strictObject({
    network_id: body.uuid.optional(),
    enable_snat: body.bool.optional(),
    external_fixed_ips: z
      .array(z.strictObject({ subnet_id: body.uuid.optional(), ip_address: body.ip.optional() }))
      .max(1, 'a gateway has one address')
      .optional(),
  })
  .nullable()
const common = {
  name: body.text,
  description: body.long,
  admin_state_up: body.bool,
  external_gateway_info: gateway,
  distributed: body.bool.pipe(z.literal(false, 'every host has every router that its guests need')),
  ha: body.bool.pipe(z.literal(false, 'every host has every router that its guests need')),
  routes: body.without('a router leads to its networks and its way out, without extra routes'),
  flavor_id: body.without('there is one kind of router'),
}
const post = z.strictObject({
  ...owner,
  ...z.strictObject(common).partial().shape,
  availability_zone_hints: body.zoneHints.default([]),
})
const put = z.strictObject(common).partial()

export const routers: Resource<typeof post, typeof put, RouterRecord> = {
  name: 'router',
  table: 'Router',
  collection: 'routers',
  path: '/routers',
  kind: 'router',
  attributes: {
    ...standardAttributes,
    name: text('name'),
    admin_state_up: bool('adminUp'),
    status: status('state'),
    external_gateway_info: null,
    availability_zones: null,
    availability_zone_hints: text('zoneHints'),
    distributed: always(false),
    ha: always(false),
    routes: null,
    flavor_id: always(null),
  },
  post,
  put,
  find: findRouters,
  one: findRouter,
  views: async (ctx, rows) => {
    const zones = (await zonesWithHosts(ctx)).map((zone) => zone.name)
    return rows.map((row) => routerView(row, zones))
  },
  create: async (ctx, input) => {
    await refuseUnknownZones(ctx, input.availability_zone_hints)
    return (
      await createRouter(ctx, {
        projectId: ownerNamed(input),
        name: input.name ?? '',
        description: input.description ?? '',
        adminUp: input.admin_state_up,
        zoneHints: input.availability_zone_hints,
        ...wayOut(input.external_gateway_info),
      })
    ).id
  },
  update: (ctx, id, input) =>
    updateRouter(ctx, {
      id,
      name: input.name,
      description: input.description,
      adminUp: input.admin_state_up,
      ...wayOut(input.external_gateway_info),
    }),
  remove: (ctx, id) => deleteRouter(ctx, { id, bare: true }),
  access: {
    create: { deviation: 'SNAT is always on; no extra routes; one address a gateway.' },
    update: { deviation: 'SNAT is always on; no extra routes; one address a gateway.' },
  },
}

/** {} and null both take the router's way out away. */
function wayOut(info: z.output<typeof gateway> | undefined) {
  if (info === undefined) return {}
  if (info === null || Object.keys(info).length === 0) return { externalNetworkId: null }
  if (info.network_id === undefined)
    throw badRequest("Invalid input for external_gateway_info. Reason: 'network_id' is required.")
  if (info.enable_snat === false)
    throw badRequest('Invalid input for external_gateway_info. Reason: SNAT is always on here.')
  const fixed = info.external_fixed_ips?.map((wish) => ({
    subnetId: wish.subnet_id,
    address: wish.ip_address,
  }))
  return {
    externalNetworkId: info.network_id,
    externalFixed: fixed && fixed.length > 0 ? fixed : undefined,
  }
}

const routerView = (row: RouterRecord, zones: string[]): Record<string, unknown> => ({
  id: row.id,
  name: row.name,
  tenant_id: row.projectId,
  admin_state_up: row.adminUp,
  status: row.state === 'build' ? 'ALLOCATING' : row.state.toUpperCase(),
  external_gateway_info: row.externalNetworkId
    ? {
        network_id: row.externalNetworkId,
        external_fixed_ips: row.externalFixed.map((a) => ({ subnet_id: a.subnetId, ip_address: a.address })),
        enable_snat: true,
      }
    : null,
  description: row.description,
  availability_zones: zones,
  distributed: false,
  ha: false,
  availability_zone_hints: row.zoneHints,
  routes: [],
  flavor_id: null,
  ...standardView(row),
})

const placeInput = z
  .strictObject({ subnet_id: body.uuid.optional(), port_id: body.uuid.optional() })
  .refine((place) => place.subnet_id ?? place.port_id)
function placeOf(value: unknown): { subnetId?: string; portId?: string } {
  const parsed = placeInput.safeParse(value)
  if (!parsed.success) throw badRequest('Either subnet_id or port_id must be specified')
  return { subnetId: parsed.data.subnet_id, portId: parsed.data.port_id }
}
const placeView = (routerId: string, place: RouterPlace, tags: string[]) => ({
  id: routerId,
  tenant_id: place.projectId,
  port_id: place.portId,
  network_id: place.networkId,
  subnet_id: place.subnetId,
  subnet_ids: [place.subnetId],
  project_id: place.projectId,
  tags,
})

export const routerInterfaceOperations: ApiOperation[] = [
  operation({
    name: 'routers.add_router_interface',
    method: 'PUT',
    path: '/routers/:id/add_router_interface',
    summary: 'Plug a router into a subnet, or into a port',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const id = idOf(call, 'router')
      return withRevision(routers, call, id, async ({ ctx, body }) => {
        const router = await findRouter(ctx, id)
        const place = placeOf(body)
        if (place.subnetId && place.portId) throw badRequest('Cannot specify both subnet-id and port-id')
        return placeView(id, await plugRouter(ctx, { id, ...place }), router.tags)
      })
    },
  }),
  operation({
    name: 'routers.remove_router_interface',
    method: 'PUT',
    path: '/routers/:id/remove_router_interface',
    summary: 'Take a router off a subnet, or off a port',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const id = idOf(call, 'router')
      return withRevision(routers, call, id, async ({ ctx, body }) => {
        const router = await findRouter(ctx, id)
        return placeView(id, await unplugRouter(ctx, { id, ...placeOf(body) }), router.tags)
      })
    },
  }),
]
