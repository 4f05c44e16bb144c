import type { PolicyTable } from '../kernel/policy.ts'

export const quotaPolicy: PolicyTable = {
  'quota:get': 'admin or role:reader and project:own or role:reader and scope:system',
  'quota:list': 'admin or role:reader and scope:system',
  'quota:set': 'admin',
  'quota:get_defaults': 'anyone',
  'quota:set_defaults': 'admin',
}
