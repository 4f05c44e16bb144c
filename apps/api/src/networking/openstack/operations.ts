import type { ApiOperation } from '../../openstack/operation.ts'
import { agents } from './agents.ts'
import { extensionOperations } from './extensions.ts'
import { floatingIps } from './floatingips.ts'
import { ipAvailabilities } from './ip-availability.ts'
import { networks } from './networks.ts'
import { ports } from './ports.ts'
import { quotaOperations } from './quotas.ts'
import { rbacPolicies } from './rbac.ts'
import { operationsOf } from './resource.ts'
import { routerInterfaceOperations, routers } from './routers.ts'
import { securityGroupRules } from './security-group-rules.ts'
import { securityGroups } from './security-groups.ts'
import { subnets } from './subnets.ts'
import { tagOperations } from './tags.ts'

/** Every resource that has a list, by its collection. */
export const resources = [
  networks,
  subnets,
  ports,
  routers,
  floatingIps,
  securityGroups,
  securityGroupRules,
  rbacPolicies,
  agents,
  ipAvailabilities,
] as const

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
  ...operationsOf(rbacPolicies),
  ...tagOperations,
  ...quotaOperations,
  ...operationsOf(agents),
  ...operationsOf(ipAvailabilities),
  ...extensionOperations,
]
