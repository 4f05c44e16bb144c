import type { z } from 'zod'
import { invalidInput } from '../../kernel/errors.ts'
import type { ruleCreateInput } from '../contract.ts'
import { normalPrefix } from './prefixes.ts'

type RuleInput = z.output<typeof ruleCreateInput>
export type Rule = {
  direction: 'ingress' | 'egress'
  ethertype: 'IPv4' | 'IPv6'
  protocol: string | null
  portMin: number | null
  portMax: number | null
  remoteCidr: string | null
  remoteGroupId: string | null
}

const numbers: Record<string, number> = { icmp: 1, tcp: 6, udp: 17, sctp: 132 }
const names: Record<string, string> = { '1': 'icmp', '6': 'tcp', '17': 'udp', '132': 'sctp', '58': 'icmp' }
const withPorts = new Set(['tcp', 'udp', 'sctp'])
/** Further words that Neutron's clients know, with IANA's numbers. */
const known = new Map([
  ['ah', 51],
  ['dccp', 33],
  ['egp', 8],
  ['esp', 50],
  ['gre', 47],
  ['icmpv6', 58],
  ['ipv6-icmp', 58],
  ['igmp', 2],
  ['ipip', 4],
  ['ipv6-encap', 41],
  ['ipv6-frag', 44],
  ['ipv6-nonxt', 59],
  ['ipv6-opts', 60],
  ['ipv6-route', 43],
  ['ospf', 89],
  ['pgm', 113],
  ['rsvp', 46],
  ['udplite', 136],
  ['vrrp', 112],
])
const wordOf = new Map([...known].map(([word, number]) => [String(number), word]))
const ofIpv6 = new Set(['43', '44', '58', '59', '60'])

/** Returns the name of a protocol that was kept as a number: "vrrp" for "112". */
export const nameOfProtocol = (protocol: string): string => wordOf.get(protocol) ?? protocol
/** Answers whether a word or number is a protocol of IPv6 alone. */
export const isOfIpv6 = (text: string): boolean =>
  text === 'icmpv6' || text.startsWith('ipv6-') || ofIpv6.has(text)
/**
 * Returns the form of a protocol that is compared and enforced; the text must be in small letters. null: any protocol.
 * undefined: no protocol.
 */
export function normalProtocol(text: string): string | null | undefined {
  const number = known.get(text) ?? (/^\d{1,3}$/.test(text) ? Number(text) : undefined)
  if (number === undefined) return text === 'any' ? null : Object.hasOwn(numbers, text) ? text : undefined
  return number > 255 ? undefined : (names[String(number)] ?? String(number))
}

/** IP protocol number for the filter; null is any. ICMP of IPv6 is 58. */
export function protocolNumber(rule: Pick<Rule, 'protocol' | 'ethertype'>): number | null {
  if (rule.protocol === null) return null
  if (rule.protocol === 'icmp' && rule.ethertype === 'IPv6') return 58
  return numbers[rule.protocol] ?? Number(rule.protocol)
}

/**
 * Returns one normal form for every way to write a rule (A08.1–4): "TCP", "tcp" and "6" are one protocol, a single port
 * is a range, and 0.0.0.0/0 is no restriction. Throws invalid_input, with a sentence, for a rule that the filter could
 * not carry out.
 */
export function normaliseRule(input: RuleInput): Rule {
  const protocol = normaliseProtocol(input.protocol ?? null)
  const { portMin, portMax } = normalisePorts(protocol, input.portMin ?? null, input.portMax ?? null)
  if (input.remoteCidr && input.remoteGroupId)
    throw invalidInput('A rule names a range or a group, not both.', 'remoteCidr')
  return {
    direction: input.direction,
    ethertype: input.ethertype,
    protocol,
    portMin,
    portMax,
    remoteCidr: input.remoteCidr ? normaliseRemote(input.remoteCidr, input.ethertype) : null,
    remoteGroupId: input.remoteGroupId ?? null,
  }
}

function normaliseProtocol(protocol: string | null): string | null {
  const normal = protocol === null ? null : normalProtocol(protocol)
  if (normal === undefined) throw invalidInput('An IP protocol number is between 0 and 255.', 'protocol')
  return normal
}

function normalisePorts(
  protocol: string | null,
  min: number | null,
  max: number | null,
): { portMin: number | null; portMax: number | null } {
  if (min === null && max === null) return { portMin: null, portMax: null }
  if (protocol === 'icmp') {
    if (min === null)
      throw invalidInput('An ICMP code needs a type.', 'portMin', 'securityGroupMissingIcmpType')
    if (min > 255 || (max ?? 0) > 255)
      throw invalidInput(
        'ICMP types and codes are between 0 and 255.',
        'portMin',
        'securityGroupInvalidIcmpValue',
      )
    return { portMin: min, portMax: max }
  }
  if (protocol === null || !withPorts.has(protocol))
    throw invalidInput(
      'Ports belong to tcp, udp or sctp. Choose one of them, or leave the ports empty.',
      'portMin',
      protocol === null ? 'securityGroupProtocolRequiredWithPorts' : 'securityGroupInvalidProtocolForPort',
    )
  const low = min ?? max ?? 0
  const high = max ?? min ?? 0
  if (low < 1)
    throw invalidInput('A port is between 1 and 65535.', 'portMin', 'securityGroupInvalidPortValue')
  if (low > high)
    throw invalidInput('The first port is above the last one.', 'portMax', 'securityGroupInvalidPortRange')
  return { portMin: low, portMax: high }
}

function normaliseRemote(text: string, ethertype: 'IPv4' | 'IPv6'): string | null {
  const prefix = normalPrefix(text)
  if (!prefix) throw invalidInput('Write the range as 203.0.113.0/24.', 'remoteCidr')
  if (prefix.ethertype !== ethertype)
    throw invalidInput(`${text} is ${prefix.ethertype} but the rule is ${ethertype}.`, 'remoteCidr')
  if (prefix.network.endsWith('/0')) return null
  if (prefix.text !== prefix.network)
    throw invalidInput(`${text} has bits set behind its prefix.`, 'remoteCidr')
  return prefix.network
}
