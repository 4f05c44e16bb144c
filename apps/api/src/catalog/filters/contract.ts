import { z } from 'zod'
import { interfaces, key } from '../contract.ts'

/** Which endpoints of the catalog a project sees (Keystone's OS-EP-FILTER). Browser-safe. */

/** An endpoint is of the group when it has all of these. */
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
/** Without any it would be every endpoint, those to come as well. */
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
