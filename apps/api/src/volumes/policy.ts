import type { PolicyTable } from '../kernel/policy.ts'

const look = 'admin or role:reader and project:own or role:reader and scope:system'
const change = 'admin or role:member and project:own'
/** What only those see who see the whole cloud. */
const see = 'admin or role:reader and scope:system'
export const volumesPolicy: PolicyTable = {
  'volume:list': look,
  'volume:get': look,
  'volume:create': change,
  'volume:update': change,
  'volume:set_bootable': change,
  'volume:set_read_only': change,
  'volume:reset_state': 'admin',
  'volume:extend': change,
  'volume:delete': change,
  'volume:force_delete': 'admin',
  'volume:revert': change,
  'volumeSnapshot:list': look,
  'volumeSnapshot:get': look,
  'volumeSnapshot:create': change,
  'volumeSnapshot:update': change,
  'volumeSnapshot:delete': change,
  'volumeSnapshot:reset_state': 'admin',
  'volumeSnapshot:force_delete': 'admin',
  'volumeType:list': 'anyone',
  'volumeType:get': 'anyone',
  'volumeType:create': 'admin',
  'volumeType:update': 'admin',
  'volumeType:delete': 'admin',
  'volumeType:list_access': see,
  'volumeType:get_encryption': see,
  'volumeType:list_defaults': see,
  'volumeType:set_default': 'admin',
  'volumeQos:list': see,
  'volumeQos:get': see,
  'volumeQos:create': 'admin',
  'volumeQos:update': 'admin',
  'volumeQos:delete': 'admin',
  'volumePool:list': see,
}
