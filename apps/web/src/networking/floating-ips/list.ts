import type { FloatingIpView } from '@stratolith/api/networking/contract'
import type { ListQuery } from '../../kit/list-query.ts'

/** The read of the list, of the project or of all projects. */
export const floatingIpList =
  (allProjects: boolean): ListQuery<FloatingIpView> =>
  (page, _, trpc) =>
    trpc.networking.floatingIps.list.queryOptions({ ...page, allProjects })
