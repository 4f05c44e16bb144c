import type { UserView } from '@stratolith/api/directory/users/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const userList: ListQuery<UserView> = (page, { domain, state }, trpc) =>
  trpc.directory.users.list.queryOptions({
    ...page,
    domainId: domain,
    enabled: state === undefined ? undefined : state === 'enabled',
  })
