import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import { backupStates } from '@stratolith/api/volumes/backups/states'
import type { ListQuery } from '../../kit/list-query.ts'

/** The read of the list, of the project or of all projects. */
export const backupList =
  (allProjects: boolean): ListQuery<BackupView> =>
  (page, { state }, trpc) =>
    trpc.volumes.backups.list.queryOptions({
      ...page,
      allProjects,
      state: backupStates.find((one) => one === state),
    })
