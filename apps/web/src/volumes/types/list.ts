import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const typeList: ListQuery<VolumeTypeView> = (page, _, trpc) =>
  trpc.volumes.types.list.queryOptions(page)
