import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { snapshotStates } from '@stratolith/api/volumes/snapshots/states'
import type { ListQuery } from '../../kit/list-query.ts'

/** The read of the list, of the project or of all projects. */
export const snapshotList =
  (allProjects: boolean): ListQuery<SnapshotView> =>
  (page, { state }, trpc) =>
    trpc.volumes.snapshots.list.queryOptions({
      ...page,
      allProjects,
      state: snapshotStates.find((one) => one === state),
    })
