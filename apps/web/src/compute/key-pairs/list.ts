import type { KeyPairView } from '@stratolith/api/compute/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const keyPairList: ListQuery<KeyPairView> = (page, _, trpc) =>
  trpc.compute.keyPairs.list.queryOptions(page)
