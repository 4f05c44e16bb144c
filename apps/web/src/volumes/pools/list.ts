import type { VolumeView } from '@stratolith/api/volumes/contract'
import type { ListQuery } from '../../kit/list-query.ts'

/** The read of the volumes in a pool, of all projects. */
export const volumesOfPool =
  (pool: string): ListQuery<VolumeView> =>
  (page, _, trpc) =>
    trpc.volumes.list.queryOptions({ ...page, pool, allProjects: true })
