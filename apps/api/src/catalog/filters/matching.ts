import type { EndpointFilters } from './contract.ts'

/** What filters look at. */
export type Filterable = { id: string; serviceId: string; regionId: string | null; interface: string }
/** What a project is associated with: endpoints by their ids, and filters of groups. */
export type Associations = { endpoints: readonly string[]; filters: readonly EndpointFilters[] }

export const matches = ({ service_id, region_id, interface: kind }: EndpointFilters, endpoint: Filterable) =>
  (service_id === undefined || endpoint.serviceId === service_id) &&
  (region_id === undefined || endpoint.regionId === region_id) &&
  (kind === undefined || endpoint.interface === kind)

/** Those of `all` that the associations name, by themselves or by a group. */
export const associated = <Of extends Filterable>({ endpoints, filters }: Associations, all: readonly Of[]) =>
  all.filter((one) => endpoints.includes(one.id) || filters.some((filter) => matches(filter, one)))
