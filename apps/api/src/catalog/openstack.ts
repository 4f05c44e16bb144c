import type { Deps } from '../kernel/context.ts'
import type { ApiOperation } from '../openstack/operation.ts'
import { queryText } from '../openstack/pages.ts'
import {
  type EndpointRow,
  getEndpoint,
  getRegion,
  getService,
  listEndpoints,
  listRegions,
  listServices,
  ownCatalog,
  type ServiceRow,
} from './service.ts'

/** The catalog's part of Keystone v3 (services, endpoints, regions), read-only: it is computed. */
export const catalogOperations: ApiOperation[] = [
  {
    name: 'auth.catalog',
    method: 'GET',
    path: '/auth/catalog',
    summary: 'The catalog of the token',
    status: 200,
    access: 'anyone',
    handle: ({ ctx, deps }) => ({ catalog: ownCatalog(ctx), links: links(deps, 'auth/catalog') }),
  },
  {
    name: 'services.list',
    method: 'GET',
    path: '/services',
    summary: 'List services',
    status: 200,
    access: 'adminRead',
    handle: ({ ctx, deps, query }) => ({
      services: listServices(ctx, { type: queryText(query, 'type'), name: queryText(query, 'name') }).map(
        (s) => serviceView(baseOf(deps), s),
      ),
      links: links(deps, 'services'),
    }),
  },
  {
    name: 'services.get',
    method: 'GET',
    path: '/services/:id',
    summary: 'Show a service',
    status: 200,
    access: 'adminRead',
    handle: ({ ctx, deps, params }) => ({
      service: serviceView(baseOf(deps), getService(ctx, params.id ?? '')),
    }),
  },
  {
    name: 'endpoints.list',
    method: 'GET',
    path: '/endpoints',
    summary: 'List endpoints',
    status: 200,
    access: 'adminRead',
    handle: ({ ctx, deps, query }) => ({
      endpoints: listEndpoints(ctx, {
        serviceId: queryText(query, 'service_id'),
        interface: queryText(query, 'interface'),
        regionId: queryText(query, 'region_id'),
      }).map((e) => endpointView(baseOf(deps), e)),
      links: links(deps, 'endpoints'),
    }),
  },
  {
    name: 'endpoints.get',
    method: 'GET',
    path: '/endpoints/:id',
    summary: 'Show an endpoint',
    status: 200,
    access: 'adminRead',
    handle: ({ ctx, deps, params }) => ({
      endpoint: endpointView(baseOf(deps), getEndpoint(ctx, params.id ?? '')),
    }),
  },
  {
    name: 'regions.list',
    method: 'GET',
    path: '/regions',
    summary: 'List regions',
    status: 200,
    access: 'anyone',
    handle: ({ ctx, deps }) => ({
      regions: listRegions(ctx).map((r) => regionView(baseOf(deps), r)),
      links: links(deps, 'regions'),
    }),
  },
  {
    name: 'regions.get',
    method: 'GET',
    path: '/regions/:id',
    summary: 'Show a region',
    status: 200,
    access: 'anyone',
    handle: ({ ctx, deps, params }) => ({
      region: regionView(baseOf(deps), getRegion(ctx, params.id ?? '')),
    }),
  },
]
const baseOf = (deps: Deps) => `${deps.config.publicUrl}/identity/v3`
const links = (deps: Deps, path: string) => ({ next: null, self: `${baseOf(deps)}/${path}`, previous: null })

const serviceView = (base: string, service: ServiceRow) => ({
  name: service.name,
  id: service.id,
  type: service.type,
  enabled: true,
  links: { self: `${base}/services/${service.id}` },
})
const endpointView = (base: string, endpoint: EndpointRow) => ({
  id: endpoint.id,
  interface: endpoint.interface,
  region_id: endpoint.region_id,
  service_id: endpoint.serviceId,
  url: endpoint.url,
  enabled: true,
  region: endpoint.region,
  links: { self: `${base}/endpoints/${endpoint.id}` },
})
const regionView = (base: string, region: { id: string }) => ({
  id: region.id,
  description: '',
  parent_region_id: null,
  links: { self: `${base}/regions/${region.id}` },
})
