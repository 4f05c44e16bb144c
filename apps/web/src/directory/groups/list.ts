import type { GroupView } from '@stratolith/api/directory/users/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const groupList: ListQuery<GroupView> = (page, { domain }, trpc) =>
  trpc.directory.groups.list.queryOptions({ ...page, domainId: domain })
