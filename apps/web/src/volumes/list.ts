import type { VolumeView } from '@stratolith/api/volumes/contract'
import { volumeStates } from '@stratolith/api/volumes/states'
import type { ListQuery } from '../kit/list-query.ts'
import type { Trpc } from '../kit/trpc.ts'

/** The read of the list, of the project or of all projects. */
export const volumeList =
  (allProjects: boolean): ListQuery<VolumeView> =>
  (page, { state }, trpc) =>
    trpc.volumes.list.queryOptions({
      ...page,
      allProjects,
      state: state === 'failed' ? state : volumeStates.find((one) => one === state),
    })

/** The read of the deleted volumes that can be taken back, of the project or of all projects. */
export const deletedVolumes = (allProjects: boolean) => (trpc: Trpc) =>
  trpc.volumes.trash.list.queryOptions({ allProjects, sort: 'until', limit: 100 })
