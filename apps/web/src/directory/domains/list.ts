import type { DomainView } from '@stratolith/api/directory/projects/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const domainList: ListQuery<DomainView> = (page, _, trpc) =>
  trpc.directory.domains.list.queryOptions(page)
