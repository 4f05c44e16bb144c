import type { PolicyTable } from '../kernel/policy.ts'

/** Hosts are for administrators; tenants see them only as "host 1" in the explanation of a placement. */
export const hostsPolicy: PolicyTable = {
  'hosts:list_hosts': 'admin or role:reader and scope:system',
  'hosts:get_host': 'admin or role:reader and scope:system',
  'hosts:update_host': 'admin',
  'hosts:delete_host': 'admin',
  'hosts:fence_host': 'admin',
  'hosts:list_unconfirmed': 'admin or role:reader and scope:system',
  'hosts:tell_host': 'admin',
  'hosts:list_strays': 'admin or role:reader and scope:system',
  'hosts:decide_stray': 'admin',
  'hosts:release_brake': 'admin',
  'hosts:list_aggregates': 'admin or role:reader and scope:system',
  'hosts:change_aggregates': 'admin',
  'hosts:list_zones': 'anyone',
  'hosts:see_outside': 'anyone',
}
