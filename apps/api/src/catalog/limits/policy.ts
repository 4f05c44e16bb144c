import type { PolicyTable } from '../../kernel/policy.ts'

/** Services read limits to enforce them. A project sees its own limits; a domain also sees those of its projects. */
export const limitPolicy: PolicyTable = {
  'catalog:list_registered_limits': 'anyone',
  'catalog:change_registered_limits': 'admin',
  'catalog:list_limits': 'anyone',
  'catalog:get_limit': 'admin or role:reader and scope:system or role:service or project:own or domain:own',
  'catalog:change_limits': 'admin',
}
