/** What compute uses of networking. */
export { applyPort, unplugPort } from './apply.ts'
export { associateFloatingIp, createFloatingIpRow } from './floating-ips/service.ts'
export {
  addressesOf,
  bindPort,
  createPortsForInstance,
  deletePortsOfInstance,
  type InstancePort,
  portsOfInstance,
  securityGroupsOf,
} from './instance-ports.ts'
export type { NetworkRow } from './networks/load.ts'
export { type NetworkPlan, planNetworks } from './plan.ts'
export { explainReach, ruleOpens } from './reach.ts'
export { ensureDefaultSecurityGroup, ensurePresetGroup } from './security-groups/service.ts'
