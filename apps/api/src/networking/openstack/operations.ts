import type { ApiOperation } from '../../openstack/operation.ts'
import { floatingIps } from './floatingips.ts'
import { networks } from './networks.ts'
import { ports } from './ports.ts'
import { operationsOf } from './resource.ts'
import { routerInterfaceOperations, routers } from './routers.ts'
import { securityGroupRules, securityGroups } from './security-groups.ts'
import { subnets } from './subnets.ts'

/** Neutron v2.0 below /network/v2.0. */
export const networkOperations: ApiOperation[] = [
  ...operationsOf(networks),
  ...operationsOf(subnets),
  ...operationsOf(ports),
  ...operationsOf(routers),
  ...routerInterfaceOperations,
  ...operationsOf(floatingIps),
  ...operationsOf(securityGroups),
  ...operationsOf(securityGroupRules),
]
