import type { PolicyTable } from '../kernel/policy.ts'

/**
 * The rule of each action of the compute room (words: kernel/policy.ts). Readers may look, but never open a console.
 */
const own = 'admin or role:member and project:own'
const look = 'admin or role:reader and project:own or role:reader and scope:system'
export const computePolicy: PolicyTable = {
  'compute:list_instances': look,
  'compute:get_instance': look,
  'compute:plan_instance': own,
  'compute:launch_instance': 'role:member and project:own',
  'compute:start_instance': own,
  'compute:stop_instance': own,
  'compute:reboot_instance': own,
  'compute:pause_instance': own,
  'compute:unpause_instance': own,
  'compute:update_instance': own,
  'compute:delete_instance': own,
  'compute:get_diagnostics': 'admin',
  'compute:get_password': look,
  'compute:clear_password': own,
  'compute:attach_interface': own,
  'compute:attach_volume': own,
  'compute:detach_volume': own,
  'compute:detach_interface': own,
  'compute:lock_instance': own,
  'compute:unlock_instance': own,
  'compute:reset_instance': 'admin',
  'compute:adopt_instance': 'admin',
  'compute:get_console_log': look,
  'compute:create_console': own,
  'compute:list_server_groups': look,
  'compute:get_server_group': look,
  'compute:create_server_group': 'role:member and project:own',
  'compute:delete_server_group': own,
  'compute:list_flavors': 'anyone',
  'compute:create_flavor': 'admin',
  'compute:update_flavor': 'admin',
  'compute:delete_flavor': 'admin',
  'compute:list_flavor_access': 'admin or role:reader and scope:system',
  'compute:list_key_pairs': 'anyone',
  'compute:create_key_pair': 'anyone',
  'compute:delete_key_pair': 'user:own',
  /** Key pairs of another user, since 2.10 of Nova's API. */
  'compute:list_foreign_key_pairs': 'admin or role:reader and scope:system',
  'compute:change_foreign_key_pairs': 'admin',
}
