import type { GroupSnapshotView, VolumeGroupView } from '@stratolith/api/volumes/groups/contract'
import { groupStates } from '@stratolith/api/volumes/groups/states'
import type { ListQuery } from '../../kit/list-query.ts'

/** The read of the list, of the project or of all projects. */
export const groupList =
  (allProjects: boolean): ListQuery<VolumeGroupView> =>
  (page, { state }, trpc) =>
    trpc.volumes.groups.list.queryOptions({
      ...page,
      allProjects,
      state: groupStates.find((one) => one === state),
    })

/** The read of the snapshots of a group, which may belong to another project. */
export const snapshotsOfGroup =
  (groupId: string, allProjects: boolean): ListQuery<GroupSnapshotView> =>
  (page, _, trpc) =>
    trpc.volumes.groups.snapshots.list.queryOptions({ ...page, groupId, allProjects })
