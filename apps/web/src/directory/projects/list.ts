import type { ProjectDetail } from '@stratolith/api/directory/projects/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const projectList: ListQuery<ProjectDetail> = (page, { domain, state }, trpc) =>
  trpc.directory.projects.list.queryOptions({
    ...page,
    domainId: domain,
    enabled: state === undefined ? undefined : state === 'enabled',
  })
