import type { PolicyTable } from '../kernel/policy.ts'

export const operationsPolicy: PolicyTable = {
  'operations:list': 'role:admin or role:reader and project:own',
  'operations:get': 'role:admin or role:reader and project:own',
  'quota:get': 'role:admin or role:reader and project:own',
}
