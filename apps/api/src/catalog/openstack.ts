import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Deps } from '../kernel/context.ts'
import { callerOf } from '../openstack/mount.ts'
import { type Query, queryText } from '../openstack/pages.ts'
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
export function catalogRoutes(app: FastifyInstance, deps: Deps): void {
  const base = `${deps.config.publicUrl}/identity/v3`
  const links = (path: string) => ({ next: null, self: `${base}/${path}`, previous: null })
  const id = (request: FastifyRequest) => (request.params as { id: string }).id
  const filter = (request: FastifyRequest, name: string) => queryText(request.query as Query, name)

  app.get('/v3/auth/catalog', async (request) => ({
    catalog: ownCatalog(callerOf(request)),
    links: links('auth/catalog'),
  }))
  app.get('/v3/services', async (request) => ({
    services: listServices(callerOf(request), {
      type: filter(request, 'type'),
      name: filter(request, 'name'),
    }).map((s) => serviceView(base, s)),
    links: links('services'),
  }))
  app.get('/v3/services/:id', async (request) => ({
    service: serviceView(base, getService(callerOf(request), id(request))),
  }))
  app.get('/v3/endpoints', async (request) => ({
    endpoints: listEndpoints(callerOf(request), {
      serviceId: filter(request, 'service_id'),
      interface: filter(request, 'interface'),
      regionId: filter(request, 'region_id'),
    }).map((e) => endpointView(base, e)),
    links: links('endpoints'),
  }))
  app.get('/v3/endpoints/:id', async (request) => ({
    endpoint: endpointView(base, getEndpoint(callerOf(request), id(request))),
  }))
  app.get('/v3/regions', async (request) => ({
    regions: listRegions(callerOf(request)).map((r) => regionView(base, r)),
    links: links('regions'),
  }))
  app.get('/v3/regions/:id', async (request) => ({
    region: regionView(base, getRegion(callerOf(request), id(request))),
  }))
}

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
