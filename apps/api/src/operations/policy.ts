import type { PolicyTable } from '../kernel/policy.ts'

const look = 'admin or role:reader and project:own or role:reader and scope:system'
export const operationsPolicy: PolicyTable = {
  'operations:list': look,
  'operations:get': look,
  'operations:position': 'anyone',
}
