import type { PolicyTable } from '../kernel/policy.ts'

const look =
  'role:reader and project:own or role:reader and public:yes or admin or role:reader and scope:system'
const own = 'role:member and project:own or admin'
export const imagesPolicy: PolicyTable = {
  'image:list': 'role:reader',
  'image:get': look,
  'image:download': look,
  'image:create': own,
  'image:publish': 'admin',
  'image:adopt': 'admin',
  'image:give': 'admin',
  'image:deactivate': own,
  'image:reactivate': own,
  'image:read-deactivated': 'admin',
  'image:share': own,
  'image:list-members': look,
  'image:accept': own,
  'image:upload': own,
  'image:update': own,
  'image:delete': own,
}
