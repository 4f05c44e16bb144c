import type { Call } from '../../openstack/operation.ts'
import { listLimitOf } from './service.ts'

/** A list of users or groups as long as the configuration of the domain that is asked for lets it be. */
export const limited = async <Filter extends { limit: number; domainId?: string }>(
  { ctx }: Call,
  filter: Filter,
): Promise<Filter> => ({
  ...filter,
  limit: Math.min(filter.limit, await listLimitOf(ctx, filter.domainId)),
})
