import type { NetworkView } from '@stratolith/api/networking/contract'
import type { ListQuery } from '../../kit/list-query.ts'

/** The read of the list, of the project or of all projects. */
export const networkList =
  (allProjects: boolean): ListQuery<NetworkView> =>
  (page, { kind, whose }, trpc) =>
    trpc.networking.networks.list.queryOptions({
      ...page,
      allProjects,
      external: kind === undefined ? undefined : kind === 'external',
      own: whose === undefined ? undefined : whose === 'own',
    })
