import type { Allowed } from '../kernel/contract.ts'
import type { FloatingIpView, NetworkView, PortView, SecurityGroupView } from './contract.ts'

/**
 * What the states of networks allow, and the presets of rules. This file does not import zod, so that pages load little
 * code.
 */

/** “1 port uses it”, “3 ports use it”. */
export const numbered = (count: number, one: string, several: string): string =>
  `${count} ${count === 1 ? one : several}`

/** The rules that the portal and the launch form add with one click. */
export const rulePresets = [
  { key: 'ssh', label: 'SSH', protocol: 'tcp', portMin: 22, portMax: 22 },
  { key: 'http', label: 'HTTP', protocol: 'tcp', portMin: 80, portMax: 80 },
  { key: 'https', label: 'HTTPS', protocol: 'tcp', portMin: 443, portMax: 443 },
  { key: 'ping', label: 'Ping', protocol: 'icmp', portMin: null, portMax: null },
  { key: 'rdp', label: 'RDP', protocol: 'tcp', portMin: 3389, portMax: 3389 },
] as const

export const networkCan = {
  delete: (network: Pick<NetworkView, 'ports' | 'router'>): Allowed =>
    network.router
      ? `Router “${network.router.name}” uses it. Detach the router first.`
      : network.ports === 0 ||
        `${numbered(network.ports, 'port uses it', 'ports use it')}. Delete the instances on it first.`,
}
/** The kinds of things to which ports are attached. */
export const portUses = ['instance', 'router', 'floatingIp', 'free'] as const
export type PortUse = (typeof portUses)[number]

export const portCan = {
  delete: ({ deviceOwner }: Pick<PortView, 'deviceOwner'>): Allowed => {
    if (deviceOwner.startsWith('compute:'))
      return 'An instance uses it. Detach it there, or delete the instance, first.'
    return !deviceOwner.startsWith('network:') || 'It goes with its router or its floating IP.'
  },
  changeAddresses: ({ deviceOwner }: Pick<PortView, 'deviceOwner'>): Allowed =>
    !deviceOwner.startsWith('network:') || 'Its addresses are those of its router or its floating IP.',
}
export const floatingIpCan = {
  associate: (fip: Pick<FloatingIpView, 'portId'>): Allowed =>
    fip.portId === null || 'It is in use. Disassociate it first.',
  disassociate: (fip: Pick<FloatingIpView, 'portId'>): Allowed =>
    fip.portId !== null || 'It is not associated with anything.',
}
export const securityGroupCan = {
  delete: (group: Pick<SecurityGroupView, 'isDefault' | 'usedBy'>): Allowed =>
    group.isDefault
      ? 'The default group of a project stays.'
      : group.usedBy.length === 0 ||
        `${numbered(group.usedBy.length, 'port uses it', 'ports use it')}. Take it off them first.`,
}
