import type { PolicyTable } from '../../kernel/policy.ts'

export const filterPolicy: PolicyTable = {
  'catalog:list_endpoint_groups': 'admin or role:reader and scope:system',
  'catalog:change_endpoint_groups': 'admin',
  'catalog:list_project_endpoints': 'admin or role:reader and scope:system',
  'catalog:change_project_endpoints': 'admin',
}
