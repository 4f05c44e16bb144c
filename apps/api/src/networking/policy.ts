import type { PolicyTable } from '../kernel/policy.ts'

const look =
  'role:reader and project:own or role:reader and public:yes or admin or role:reader and scope:system'
const own = 'role:member and project:own or admin'
export const networkingPolicy: PolicyTable = {
  'network:list': 'role:reader',
  'network:get': look,
  'network:create': own,
  'network:create_shared': 'admin',
  'network:ip_availability': 'admin or role:reader and scope:system',
  'network:update': own,
  'network:delete': own,
  'network:attach': 'role:member and project:own or role:member and public:yes or admin',
  'rbacPolicy:list': 'role:reader',
  'rbacPolicy:create': own,
  'rbacPolicy:update': own,
  'subnet:create': own,
  'subnet:update': own,
  'subnet:delete': own,
  'port:list': 'role:reader',
  'port:get': look,
  'port:create': own,
  'port:update': own,
  'port:delete': own,
  // The target is the network: its owner may give a port any address or MAC address of it, or switch off its filters.
  'port:choose': own,
  'router:list': 'role:reader',
  'router:get': look,
  'router:create': own,
  'router:update': own,
  'router:delete': own,
  'router:set_external_address': 'admin',
  'floatingIp:list': 'role:reader',
  'floatingIp:create': own,
  // Taking a certain address of the external network.
  'floatingIp:choose': 'admin',
  'floatingIp:update': own,
  'floatingIp:delete': own,
  'securityGroup:list': 'role:reader',
  'securityGroup:get': look,
  'securityGroup:create': own,
  'securityGroup:update': own,
  'securityGroup:delete': own,
}
