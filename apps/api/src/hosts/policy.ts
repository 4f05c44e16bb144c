import type { PolicyTable } from '../kernel/policy.ts'

/** Machines are the administrators' business; tenants see them only as "host 1" in an explanation. */
export const hostsPolicy: PolicyTable = {
  'hosts:list_hosts': 'role:admin',
  'hosts:get_host': 'role:admin',
  'hosts:update_host': 'role:admin',
}
