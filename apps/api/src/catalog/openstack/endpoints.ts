import { z } from 'zod'
import { changedExtra, eachInTurn, extraOf } from '../../openstack/extra.ts'
import { collection, keystoneBase, unchangeable } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { endpointInput, endpointUpdateInput } from '../contract.ts'
import { createEndpoint, deleteEndpoint, getEndpoint, listEndpoints, updateEndpoint } from '../endpoints.ts'
import { endpointView } from './views.ts'

const { serviceId, interface: kind, url, enabled, regionId } = endpointInput.shape
const region = { region_id: regionId, region: regionId }
const created = z.object({
  endpoint: z.looseObject({ service_id: serviceId, interface: kind, url, enabled, ...region }),
})
const updated = z.object({
  endpoint: z.looseObject({
    service_id: serviceId.optional(),
    interface: kind.optional(),
    url: url.optional(),
    enabled: endpointUpdateInput.shape.enabled,
    ...region,
  }),
})
const known = ['service_id', 'interface', 'url', 'enabled', 'region_id', 'region']
const ref = ({ params }: Call) => ({ id: params.id ?? '' })

/** The region of a body: `region_id` must exist; the old attribute `region` makes a missing region, as in Keystone. */
const placeOf = (given: { region_id?: string | null; region?: string | null }) =>
  given.region_id !== undefined
    ? { regionId: given.region_id }
    : given.region !== undefined
      ? { regionId: given.region, makeRegion: true }
      : {}

export const endpointOperations: ApiOperation[] = [
  {
    name: 'endpoints.list',
    method: 'GET',
    path: '/endpoints',
    summary: 'List endpoints',
    status: 200,
    access: 'adminRead',
    filters: {
      ...{ interface: 'none-has-it', service_id: 'none-has-it', region_id: 'none-has-it' },
      region: 'none-has-it',
    },
    handle: async (call) => {
      const items = await listEndpoints(call.ctx, {
        serviceId: queryText(call.query, 'service_id'),
        interface: queryText(call.query, 'interface'),
        regionId: queryText(call.query, 'region_id') ?? queryText(call.query, 'region'),
      })
      return collection(call, 'endpoints', 'endpoints', { items }, endpointView)
    },
  },
  {
    name: 'endpoints.get',
    method: 'GET',
    path: '/endpoints/:id',
    summary: 'Show an endpoint',
    status: 200,
    access: 'adminRead',
    handle: async (call) => ({
      endpoint: endpointView(keystoneBase(call), await getEndpoint(call.ctx, ref(call))),
    }),
  },
  {
    name: 'endpoints.create',
    method: 'POST',
    path: '/endpoints',
    summary: 'Add an endpoint to the catalog',
    status: 201,
    access: 'admin',
    handle: async (call) => {
      const { endpoint } = created.parse(call.body)
      const made = await createEndpoint(call.ctx, {
        serviceId: endpoint.service_id,
        interface: endpoint.interface,
        url: endpoint.url,
        enabled: endpoint.enabled,
        ...placeOf(endpoint),
        ...changedExtra({}, extraOf(call.body, 'endpoint', known)),
      })
      return { endpoint: endpointView(keystoneBase(call), made) }
    },
  },
  {
    name: 'endpoints.update',
    method: 'PATCH',
    path: '/endpoints/:id',
    summary: 'Change an added endpoint',
    status: 200,
    access: 'admin',
    deviation: 'The cloud’s own endpoints follow from its configuration: 403.',
    handle: eachInTurn(
      (call) => getEndpoint(call.ctx, ref(call)),
      async (call, before) => {
        const { endpoint } = updated.parse(call.body)
        unchangeable(endpoint, { id: before.id })
        const now = await updateEndpoint(call.ctx, {
          id: before.id,
          serviceId: endpoint.service_id,
          interface: endpoint.interface,
          url: endpoint.url,
          enabled: endpoint.enabled,
          ...placeOf(endpoint),
          ...changedExtra(before.extra, extraOf(call.body, 'endpoint', known)),
        })
        return { endpoint: endpointView(keystoneBase(call), now) }
      },
    ),
  },
  {
    name: 'endpoints.delete',
    method: 'DELETE',
    path: '/endpoints/:id',
    summary: 'Delete an added endpoint',
    status: 204,
    access: 'admin',
    deviation: 'The cloud’s own endpoints follow from its configuration: 403.',
    handle: async (call) => {
      await deleteEndpoint(call.ctx, ref(call))
    },
  },
]
