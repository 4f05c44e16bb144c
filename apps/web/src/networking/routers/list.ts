import type { RouterView } from '@stratolith/api/networking/contract'
import type { ListQuery } from '../../kit/list-query.ts'

/** The read of the list, of the project or of all projects. */
export const routerList =
  (allProjects: boolean): ListQuery<RouterView> =>
  (page, _, trpc) =>
    trpc.networking.routers.list.queryOptions({ ...page, allProjects })
