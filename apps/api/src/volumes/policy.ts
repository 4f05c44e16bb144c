import type { PolicyTable } from '../kernel/policy.ts'

const look = 'admin or role:reader and project:own or role:reader and scope:system'
const change = 'admin or role:member and project:own'
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
  'volumeMessage:list': look,
  'volumeMessage:get': look,
  'volumeMessage:delete': change,
  'volumeTransfer:list': look,
  'volumeTransfer:get': look,
  'volumeTransfer:create': change,
  'volumeTransfer:accept': change,
  'volumeTransfer:delete': change,
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
}
