import type { PolicyTable } from '../kernel/policy.ts'

const look =
  'role:reader and project:own or role:reader and public:yes or admin or role:reader and scope:system'
const own = 'role:member and project:own or admin'
export const networkingPolicy: PolicyTable = {
  'network:list': 'role:reader',
  'network:get': look,
  'network:create': own,
  'network:create_shared': 'admin',
  'network:update': own,
  'network:delete': own,
  'network:attach': 'role:member and project:own or role:member and public:yes or admin',
  'subnet:create': own,
  'subnet:delete': own,
  'port:list': 'role:reader',
  'port:get': look,
  'port:update': own,
  'router:list': 'role:reader',
  'router:get': look,
  'router:create': own,
  'router:update': own,
  'router:delete': own,
  'floatingIp:list': 'role:reader',
  'floatingIp:create': own,
  'floatingIp:update': own,
  'floatingIp:delete': own,
  'securityGroup:list': 'role:reader',
  'securityGroup:get': look,
  'securityGroup:create': own,
  'securityGroup:update': own,
  'securityGroup:delete': own,
}
