/** What compute uses of networking. */
export { adoptPorts } from './adopt.ts'
export { unbindPorts } from './apply.ts'
export { documentsOfInstance } from './documents.ts'
export { findOwnFloatingIp } from './floating-ips/by-address.ts'
export { associateFloatingIp, createFloatingIpRow, deleteFloatingIpOfLaunch } from './floating-ips/service.ts'
export { defineHostnames } from './hostnames.ts'
export {
  addressesOf,
  bindPort,
  createPortsForInstance,
  createPortsOfLaunch,
  deletePortsOfInstance,
  forgetPortsOfInstance,
  groupNamesOf,
  type InstancePort,
  instancesAtAddress,
  instancesOnNetwork,
  instancesWithAddress,
  portsOf,
  portsOfInstance,
  routerNews,
  securityGroupsOf,
} from './instance-ports.ts'
export {
  type InstanceInterface,
  interfacesOf,
  lendPort,
  networkForNic,
  networksOfFreePorts,
} from './lent-ports.ts'
export type { PortNetwork } from './networks/load.ts'
export {
  guestsThatFit,
  judgeNetworks,
  type NetworkFacts,
  type NetworkPlan,
  type NetworkWish,
  networkFacts,
} from './plan.ts'
export { updatePort } from './ports/change.ts'
export { findSecurityGroups } from './security-groups/load.ts'
export { ensureDefaultSecurityGroup, ensurePresetGroup } from './security-groups/service.ts'
