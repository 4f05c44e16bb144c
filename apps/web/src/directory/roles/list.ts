import type { RoleView } from '@stratolith/api/directory/roles/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const roleList: ListQuery<RoleView> = (page, _, trpc) => trpc.directory.roles.list.queryOptions(page)
