import type { QuotaResource } from '../../kernel/contract.ts'

/** Neutron's names of what is counted here; the rest of a project's quota is other services'. */
export const quotaNames: Record<string, QuotaResource> = {
  network: 'networks',
  subnet: 'subnets',
  port: 'ports',
  router: 'routers',
  floatingip: 'floatingIps',
  security_group: 'securityGroups',
  security_group_rule: 'securityGroupRules',
}
/** "network" for 'networks'. */
export const quotaNameOf = (resource: string | null): string | undefined =>
  Object.keys(quotaNames).find((name) => quotaNames[name] === resource)
/** Names that Neutron answers of what is not counted here: nobody is refused for it. */
export const uncounted = ['subnetpool', 'rbac_policy'] as const
