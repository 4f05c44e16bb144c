import type { PolicyTable } from '../kernel/policy.ts'

export const policyPolicy: PolicyTable = {
  'policy:list_rules': 'anyone',
  'policy:explain': 'user:own or admin or role:reader and scope:system or role:admin and domain:own',
}
