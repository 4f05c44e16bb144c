/**
 * What other rooms may use of networking: they import this file and contract.ts only. Compute gives ports to its
 * instances (compute/attachments), plans launches by what networks have, and takes public addresses for them.
 */
export { documentsOfInstance } from './documents.ts'
export { findOwnFloatingIp } from './floating-ips/by-address.ts'
export { associateFloatingIp, createFloatingIpRow, deleteFloatingIpOfLaunch } from './floating-ips/service.ts'
export type { PortNetwork } from './networks/load.ts'
export {
  guestsThatFit,
  judgeNetworks,
  type NetworkFacts,
  type NetworkPlan,
  type NetworkWish,
  networkFacts,
} from './networks/plan.ts'
export { adoptPorts } from './ports/adopt.ts'
export { updatePort } from './ports/change.ts'
export { defineInstanceNames } from './ports/devices.ts'
export { defineHostnames } from './ports/hostnames.ts'
export {
  type InstanceInterface,
  interfacesOf,
  lendPort,
  networkForNic,
  networksOfFreePorts,
} from './ports/lent.ts'
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
  unbindPort,
} from './ports/of-instances.ts'
export { findSecurityGroups } from './security-groups/load.ts'
export { ensureDefaultSecurityGroup, ensurePresetGroup } from './security-groups/service.ts'
