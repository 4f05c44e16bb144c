import type { PolicyTable } from '../kernel/policy.ts'

/** Endpoints hold no secrets, but only administrators see endpoints that are not in their own catalog. */
export const catalogPolicy: PolicyTable = {
  'catalog:own': 'anyone',
  'catalog:list_services': 'admin or role:reader and scope:system',
  'catalog:list_endpoints': 'admin or role:reader and scope:system',
  'catalog:list_regions': 'anyone',
  'catalog:change_services': 'admin',
  'catalog:change_endpoints': 'admin',
  'catalog:change_regions': 'admin',
}
