import type { PolicyTable } from '../kernel/policy.ts'

/** Paths, processes and versions are for administrators. */
export const systemPolicy: PolicyTable = {
  'system:info': 'admin or role:reader and scope:system',
}
