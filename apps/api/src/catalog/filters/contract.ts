import { z } from 'zod'
import { interfaces, key } from '../contract.ts'

/** The shapes of Keystone's OS-EP-FILTER, which restricts the endpoints that a project sees. This file can be loaded in a browser. */

/** The filters of an endpoint group: an endpoint belongs to the group when it has all these values. */
export const endpointFilters = z.strictObject({
  service_id: key.optional(),
  region_id: key.nullish(),
  interface: z.enum(interfaces).optional(),
})
export type EndpointFilters = z.output<typeof endpointFilters>

const description = z
  .string()
  .max(1000)
  .regex(/^[^\0\p{Cs}]*$/u, 'A description has no NUL characters.')
  .nullish()
/** At least one filter is needed: without any, the group would contain all endpoints, also future ones. */
const someFilters = endpointFilters.refine(
  (filters) => Object.keys(filters).length > 0,
  'Name one filter at least: service_id, region_id or interface.',
)
const name = z.string().trim().min(1).max(255)
export const endpointGroupInput = z.strictObject({
  name,
  description,
  filters: someFilters,
})
export const endpointGroupUpdateInput = z.strictObject({
  name: name.optional(),
  description,
  filters: someFilters.optional(),
})

export type EndpointGroupView = {
  id: string
  name: string
  description: string | null
  filters: EndpointFilters
}
