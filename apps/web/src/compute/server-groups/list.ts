import type { ServerGroupView } from '@stratolith/api/compute/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const serverGroupList: ListQuery<ServerGroupView> = (page, _, trpc) =>
  trpc.compute.serverGroups.list.queryOptions(page)
