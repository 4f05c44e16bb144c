import type { EndpointFilters } from './contract.ts'

/** The fields of an endpoint that filters compare. */
export type Filterable = { id: string; serviceId: string; regionId: string | null; interface: string }
/** The associations of a project: ids of endpoints, and the filters of groups. */
export type Associations = { endpoints: readonly string[]; filters: readonly EndpointFilters[] }

export const matches = ({ service_id, region_id, interface: kind }: EndpointFilters, endpoint: Filterable) =>
  (service_id === undefined || endpoint.serviceId === service_id) &&
  (region_id === undefined || endpoint.regionId === region_id) &&
  (kind === undefined || endpoint.interface === kind)

/** The endpoints of `all` that the associations name, directly or by a group. */
export const associated = <Of extends Filterable>({ endpoints, filters }: Associations, all: readonly Of[]) =>
  all.filter((one) => endpoints.includes(one.id) || filters.some((filter) => matches(filter, one)))
