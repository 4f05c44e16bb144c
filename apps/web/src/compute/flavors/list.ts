import type { FlavorView } from '@stratolith/api/compute/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const flavorList: ListQuery<FlavorView> = (page, _, trpc) =>
  trpc.compute.flavors.list.queryOptions(page)
