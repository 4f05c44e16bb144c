import type { AssignmentView, RoleView } from '@stratolith/api/directory/roles/contract'
import type { ListQuery } from '../../kit/list-query.ts'

export const roleList: ListQuery<RoleView> = (page, _, trpc) => trpc.directory.roles.list.queryOptions(page)

/** The read of the list of role assignments, whose filters stand above it and in its address. */
export const assignmentList: ListQuery<AssignmentView> = (page, _, trpc, get) => {
  const effective = get('effective') === '1'
  return trpc.directory.assignments.list.queryOptions({
    ...page,
    userId: get('user') ?? undefined,
    groupId: effective ? undefined : (get('group') ?? undefined),
    roleId: get('role') ?? undefined,
    projectId: get('project') ?? undefined,
    domainId: get('domain') ?? undefined,
    system: get('system') === '1' ? true : undefined,
    effective,
  })
}
