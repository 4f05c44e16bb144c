import type { PortView } from '@stratolith/api/networking/contract'
import type { ListQuery } from '../../kit/list-query.ts'
import { asUse } from './port-filter.ts'

/** The read of the list, of the project or of all projects. */
export const portList =
  (allProjects: boolean): ListQuery<PortView> =>
  (page, { use }, trpc) =>
    trpc.networking.ports.list.queryOptions({ ...page, allProjects, use: asUse(use) })
