import { textOf } from '../../openstack/extra.ts'
import type { EndpointView, RegionView, ServiceView } from '../contract.ts'

/** The rows of the catalog in Keystone's form. `base` is ".../identity/v3". */

export const serviceView = (base: string, service: ServiceView) => ({
  ...service.extra,
  ...textOf('name', service.name, service.extra),
  id: service.id,
  type: service.type,
  ...(service.description === '' ? {} : { description: service.description }),
  enabled: service.enabled,
  links: { self: `${base}/services/${service.id}` },
})

export const endpointView = (base: string, endpoint: EndpointView) => ({
  ...endpoint.extra,
  id: endpoint.id,
  interface: endpoint.interface,
  region_id: endpoint.regionId,
  service_id: endpoint.serviceId,
  url: endpoint.url,
  enabled: endpoint.enabled,
  region: endpoint.regionId,
  links: { self: `${base}/endpoints/${endpoint.id}` },
})

export const regionView = (base: string, region: RegionView) => ({
  ...region.extra,
  id: region.id,
  description: region.description,
  parent_region_id: region.parentRegionId,
  links: { self: `${base}/regions/${encodeURIComponent(region.id)}` },
})
