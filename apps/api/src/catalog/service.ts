import type { Ctx } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import {
  allServices,
  type CatalogEntry,
  catalogOf,
  type Endpoint,
  endpointsOf,
  serviceId,
} from '../openstack/services.ts'

/** Services, endpoints and the region are computed from the configuration: there is no table. */
export type ServiceRow = { id: string; type: string; name: string }
export type EndpointRow = Endpoint & { serviceId: string }

/** What the caller's token shows. */
export function ownCatalog(ctx: Ctx): CatalogEntry[] {
  authorize(ctx, 'catalog:own')
  return catalogOf(ctx.deps.config, ctx.scope.kind === 'project' ? ctx.scope.projectId : null)
}

export function listServices(ctx: Ctx, filter: { type?: string; name?: string } = {}): ServiceRow[] {
  authorize(ctx, 'catalog:list_services')
  return allServices()
    .filter((s) => filter.type === undefined || s.type === filter.type)
    .filter((s) => filter.name === undefined || s.name === filter.name)
    .map((s) => ({ id: serviceId(s), type: s.type, name: s.name }))
}

export function getService(ctx: Ctx, id: string): ServiceRow {
  const service = listServices(ctx).find((s) => s.id === id)
  if (!service) throw notFound('service', id)
  return service
}

export function listEndpoints(
  ctx: Ctx,
  filter: { serviceId?: string; interface?: string; regionId?: string } = {},
): EndpointRow[] {
  authorize(ctx, 'catalog:list_endpoints')
  return allServices()
    .flatMap((service) =>
      endpointsOf(ctx.deps.config, service, 'template').map((e) => ({ ...e, serviceId: serviceId(service) })),
    )
    .filter((e) => filter.serviceId === undefined || e.serviceId === filter.serviceId)
    .filter((e) => filter.interface === undefined || e.interface === filter.interface)
    .filter((e) => filter.regionId === undefined || e.region_id === filter.regionId)
}

export function getEndpoint(ctx: Ctx, id: string): EndpointRow {
  const endpoint = listEndpoints(ctx).find((e) => e.id === id)
  if (!endpoint) throw notFound('endpoint', id)
  return endpoint
}

/** A cloud of ours is one region. */
export function listRegions(ctx: Ctx): { id: string }[] {
  authorize(ctx, 'catalog:list_regions')
  return [{ id: ctx.deps.config.region }]
}

export function getRegion(ctx: Ctx, id: string): { id: string } {
  const region = listRegions(ctx).find((r) => r.id === id)
  if (!region) throw notFound('region', id)
  return region
}
