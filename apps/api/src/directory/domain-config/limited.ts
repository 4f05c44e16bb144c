import type { Call } from '../../openstack/operation.ts'
import { listLimitOf } from './service.ts'

/** Limits a list of users or groups to the list_limit of the domain that the list is for. */
export const limited = async <Filter extends { limit: number; domainId?: string }>(
  { ctx }: Call,
  filter: Filter,
): Promise<Filter> => ({
  ...filter,
  limit: Math.min(filter.limit, await listLimitOf(ctx, filter.domainId)),
})
