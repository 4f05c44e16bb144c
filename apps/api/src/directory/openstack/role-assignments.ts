import { HttpError } from '../../openstack/errors.ts'
import { collection, switchedOn } from '../../openstack/keystone.ts'
import type { ApiOperation } from '../../openstack/operation.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import { findAssignments } from '../roles/assignment-list.ts'
import { type AssignmentListInput, assignmentListInput } from '../roles/contract.ts'
import { assignmentView } from './views.ts'

export const roleAssignmentOperations: ApiOperation[] = [
  {
    name: 'role_assignments.list',
    method: 'GET',
    path: '/role_assignments',
    summary: 'List role assignments',
    status: 200,
    access: 'domainRead',
    filters: {
      ...{ 'user.id': 'none-has-it', 'group.id': 'none-has-it', 'role.id': 'none-has-it' },
      ...{ 'scope.project.id': 'none-has-it', 'scope.domain.id': 'none-has-it' },
    },
    handle: async (call) => {
      const names = switchedOn(call.query, 'include_names')
      const listed = await findAssignments(call.ctx, assignmentFilter(call.query))
      const view = (at: string, row: (typeof listed.items)[number]) => assignmentView(at, row, names)
      return collection(call, 'role_assignments', 'role_assignments', listed, view)
    },
  },
]

const filters = {
  'user.id': 'userId',
  'group.id': 'groupId',
  'role.id': 'roleId',
  'scope.project.id': 'projectId',
  'scope.domain.id': 'domainId',
} as const

function assignmentFilter(query: Query): AssignmentListInput {
  const filter: Record<string, unknown> = {
    limit: 1000,
    effective: switchedOn(query, 'effective'),
    includeSubtree: switchedOn(query, 'include_subtree'),
  }
  for (const [theirs, ours] of Object.entries(filters)) filter[ours] = queryText(query, theirs)
  if (switchedOn(query, 'scope.system')) filter.system = true
  if (queryText(query, 'scope.OS-INHERIT:inherited_to') === 'projects') filter.inherited = true
  if (filter.includeSubtree && filter.projectId === undefined)
    throw new HttpError(400, 'include_subtree needs scope.project.id.')
  if ([filter.projectId, filter.domainId, filter.system].filter((v) => v !== undefined).length > 1)
    throw new HttpError(400, 'Name one scope: a project, a domain or the system.')
  if (filter.userId !== undefined && filter.groupId !== undefined)
    throw new HttpError(400, 'Name a user or a group, not both.')
  return assignmentListInput.parse(filter)
}
