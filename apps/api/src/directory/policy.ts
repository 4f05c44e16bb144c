import type { PolicyTable } from '../kernel/policy.ts'

/** Administrators of the cloud, readers of the system, and readers of the domain may read. */
const read = 'admin or role:reader and scope:system or role:reader and domain:own'
/** Administrators of the cloud, and of the domain, may change things. */
const manage = 'admin or role:admin and domain:own'

/**
 * The rules of this room. The names of the actions are Keystone's, with its prefix (language of the rules:
 * kernel/policy.ts).
 */
export const directoryPolicy: PolicyTable = {
  'identity:list_domains': read,
  'identity:get_domain': read,
  'identity:create_domain': 'admin',
  'identity:update_domain': 'admin',
  'identity:delete_domain': 'admin',
  'identity:list_projects': read,
  'identity:get_project': `${read} or project:own`,
  'identity:create_project': manage,
  'identity:update_project': manage,
  'identity:delete_project': manage,
  'identity:list_users': read,
  'identity:get_user': `${read} or user:own`,
  'identity:create_user': manage,
  'identity:update_user': manage,
  'identity:delete_user': manage,
  'identity:set_password': manage,
  'identity:list_groups': read,
  'identity:list_groups_of_user': `${read} or user:own`,
  'identity:get_group': read,
  'identity:create_group': manage,
  'identity:update_group': manage,
  'identity:delete_group': manage,
  'identity:change_group_members': manage,
  'identity:list_roles': 'admin or role:reader and scope:system or role:reader and scope:domain',
  'identity:create_role': manage,
  'identity:update_role': manage,
  'identity:delete_role': manage,
  'identity:imply_role': manage,
  'identity:list_role_assignments': `${read} or user:own`,
  'identity:assign_role': manage,
}
