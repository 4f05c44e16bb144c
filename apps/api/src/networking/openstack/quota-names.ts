import type { QuotaResource } from '../../kernel/contract.ts'

/** Neutron's names of what this room counts; the rest of a project's quota belongs to other services. */
export const quotaNames: Record<string, QuotaResource> = {
  network: 'networks',
  subnet: 'subnets',
  port: 'ports',
  router: 'routers',
  floatingip: 'floatingIps',
  security_group: 'securityGroups',
  security_group_rule: 'securityGroupRules',
}
/** Returns Neutron's name of a counted resource: "network" for 'networks'. */
export const quotaNameOf = (resource: string | null): string | undefined =>
  Object.keys(quotaNames).find((name) => quotaNames[name] === resource)
/** Names that Neutron's answers have for things that this cloud does not count: nobody is refused for these. */
export const uncounted = ['subnetpool', 'rbac_policy'] as const
