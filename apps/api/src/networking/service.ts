/** What compute uses of networking. */
export { applyPort, unplugPort } from './apply.ts'
export { createFloatingIpRow } from './floating-ips/service.ts'
export {
  addressesOf,
  bindPort,
  createPortsForInstance,
  deletePortsOfInstance,
  portsOfInstance,
  securityGroupsOf,
} from './instance-ports.ts'
export type { NetworkRow } from './networks/load.ts'
export { type NetworkPlan, planNetworks } from './plan.ts'
export { ensureDefaultSecurityGroup, ensurePresetGroup } from './security-groups/service.ts'
