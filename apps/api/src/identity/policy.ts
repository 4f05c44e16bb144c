import type { PolicyTable } from '../kernel/policy.ts'

/** Action → rule of the identity room (words: kernel/policy.ts). */
export const identityPolicy: PolicyTable = {
  'identity:session': 'anyone',
  'identity:list_own_projects': 'anyone',
  'identity:rescope': 'anyone',
  'identity:sign_out': 'anyone',
  'identity:validate_token': 'role:admin or user:own',
  'identity:revoke_token': 'role:admin or user:own',
  'identity:list_projects': 'role:admin',
  'identity:get_project': 'role:admin or project:own',
  'identity:create_project': 'role:admin',
  'identity:update_project': 'role:admin',
  'identity:list_users': 'role:admin',
  'identity:get_user': 'role:admin or user:own',
  'identity:create_user': 'role:admin',
  'identity:update_user': 'role:admin',
  'identity:delete_user': 'role:admin',
  'identity:set_password': 'role:admin',
  'identity:list_domains': 'role:admin',
  'identity:update_domain': 'role:admin',
  'identity:list_roles': 'role:admin',
  'identity:assign_role': 'role:admin',
  'identity:list_role_assignments': 'role:admin',
}
