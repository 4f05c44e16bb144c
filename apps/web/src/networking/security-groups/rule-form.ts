import { rulePresets } from '@stratolith/api/networking/states'
import ipaddr from 'ipaddr.js'
import { parsePorts, remoteProblem } from '../rules.ts'

export type RuleValues = {
  direction: 'ingress' | 'egress'
  ethertype: 'IPv4' | 'IPv6'
  /** One of any, tcp, udp, icmp, sctp, or `number` together with `protocolNumber`. */
  protocol: string
  protocolNumber: string
  ports: string
  remote: 'anywhere' | 'range' | 'group'
  remoteCidr: string
  remoteGroupId: string
  description: string
}

export const ruleInitial = (direction: RuleValues['direction'], groupId: string): RuleValues => ({
  direction,
  ethertype: 'IPv4',
  protocol: 'tcp',
  protocolNumber: '',
  ports: '22',
  remote: 'anywhere',
  remoteCidr: '',
  remoteGroupId: groupId,
  description: '',
})

export const hasPorts = (protocol: string): boolean => ['tcp', 'udp', 'sctp'].includes(protocol)

export type Preset = { key: string; label: string; values: Partial<RuleValues> }
/** The contract's presets, a preset for all traffic from the group itself, and an empty one. */
export const presetsOf = (groupId: string): Preset[] => [
  ...rulePresets.map(({ key, label, protocol, portMin }) => ({
    key,
    label,
    values: { protocol, ports: portMin === null ? '' : String(portMin), remote: 'anywhere' as const },
  })),
  {
    key: 'group',
    label: 'All from this group',
    values: { protocol: 'any', ports: '', remote: 'group' as const, remoteGroupId: groupId },
  },
]

/** Returns the key of the preset that has these values, or "custom". */
export function presetKey(values: RuleValues, groupId: string): string {
  const found = presetsOf(groupId).find((preset) =>
    Object.entries(preset.values).every(([key, value]) => Reflect.get(values, key) === value),
  )
  return found?.key ?? 'custom'
}

/** Returns sentences by field; empty when the values can be sent. */
export function ruleProblems(values: RuleValues): Record<string, string> {
  const ports = hasPorts(values.protocol) ? parsePorts(values.ports) : null
  const remote = values.remote === 'range' ? remoteProblem(values.remoteCidr, values.ethertype) : null
  const number = Number(values.protocolNumber)
  const found = {
    ports: typeof ports === 'string' ? ports : null,
    remoteCidr:
      values.remote === 'range' && !values.remoteCidr.trim() ? 'Write a range like 203.0.113.0/24.' : remote,
    remoteGroupId: values.remote === 'group' && !values.remoteGroupId ? 'Choose a group.' : null,
    protocolNumber:
      values.protocol === 'number' && !(/^\d{1,3}$/.test(values.protocolNumber.trim()) && number <= 255)
        ? 'An IP protocol number is between 0 and 255.'
        : null,
  }
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== null),
  )
}

/**
 * Returns the range of this one address; null for an address of the portal's own machine, from which nothing reaches an
 * instance.
 */
export function ownRange(
  address: string,
): { remote: 'range'; ethertype: RuleValues['ethertype']; remoteCidr: string } | null {
  if (!ipaddr.isValid(address)) return null
  const parsed = ipaddr.process(address)
  if (parsed.range() === 'loopback') return null
  const ethertype = parsed.kind() === 'ipv4' ? 'IPv4' : 'IPv6'
  const remoteCidr = `${parsed.toString()}/${ethertype === 'IPv4' ? 32 : 128}`
  return { remote: 'range', ethertype, remoteCidr }
}

/** Returns the server's input (without the group's ID); a protocol of null means any. */
export function ruleInput(values: RuleValues) {
  const ports = hasPorts(values.protocol) ? parsePorts(values.ports) : null
  const { portMin, portMax } =
    ports !== null && typeof ports !== 'string' ? ports : { portMin: null, portMax: null }
  const protocol = values.protocol === 'number' ? String(Number(values.protocolNumber)) : values.protocol
  return {
    direction: values.direction,
    ethertype: values.ethertype,
    protocol: protocol === 'any' ? null : protocol,
    portMin,
    portMax,
    remoteCidr: values.remote === 'range' ? values.remoteCidr.trim() : null,
    remoteGroupId: values.remote === 'group' ? values.remoteGroupId : null,
    description: values.description,
  }
}
