import type { ApiOperation } from '../../openstack/operation.ts'
import { authScopeOperations } from './auth-scopes.ts'
import { domainOperations } from './domains.ts'
import { grantOperations } from './grants.ts'
import { groupOperations } from './groups.ts'
import { impliedRoleOperations } from './implied-roles.ts'
import { projectTagOperations } from './project-tags.ts'
import { projectOperations } from './projects.ts'
import { roleAssignmentOperations } from './role-assignments.ts'
import { roleOperations } from './roles.ts'
import { userOperations } from './users.ts'

/** The directory of Keystone v3 below /identity/v3. */
export const directoryOperations: ApiOperation[] = [
  ...authScopeOperations,
  ...domainOperations,
  ...projectOperations,
  ...projectTagOperations,
  ...userOperations,
  ...groupOperations,
  ...roleOperations,
  ...impliedRoleOperations,
  ...grantOperations,
  ...roleAssignmentOperations,
]
