import type { SecurityGroupView } from '@stratolith/api/networking/contract'
import type { ListQuery } from '../../kit/list-query.ts'

/** The read of the list, of the project or of all projects. */
export const securityGroupList =
  (allProjects: boolean): ListQuery<SecurityGroupView> =>
  (page, _, trpc) =>
    trpc.networking.securityGroups.list.queryOptions({ ...page, allProjects })
