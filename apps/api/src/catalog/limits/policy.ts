import type { PolicyTable } from '../../kernel/policy.ts'

/** Services look them up to hold others to them; a project sees its own, a domain those of its projects too. */
export const limitPolicy: PolicyTable = {
  'catalog:list_registered_limits': 'anyone',
  'catalog:change_registered_limits': 'admin',
  'catalog:list_limits': 'anyone',
  'catalog:get_limit': 'admin or role:reader and scope:system or role:service or project:own or domain:own',
  'catalog:change_limits': 'admin',
}
