import type { ImageView } from '@stratolith/api/images/contract'
import { imageStates, imageVisibilities } from '@stratolith/api/images/states'
import type { ListQuery } from '../kit/list-query.ts'
import type { Trpc } from '../kit/trpc.ts'

/** The read of the images that others offer to the project. */
export const offeredRead = (trpc: Trpc) => trpc.images.list.queryOptions({ offered: true, limit: 10 })

/** The read of the list, of the project or of all projects. */
export const imageList =
  (allProjects: boolean): ListQuery<ImageView> =>
  (page, { visibility, state }, trpc) =>
    trpc.images.list.queryOptions({
      ...page,
      allProjects,
      visibility: imageVisibilities.find((one) => one === visibility),
      state: imageStates.find((one) => one === state),
    })
