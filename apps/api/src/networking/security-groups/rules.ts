import type { z } from 'zod'
import { invalidInput } from '../../kernel/errors.ts'
import type { ruleCreateInput } from '../contract.ts'

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

/** IP protocol number for the filter; null is any. ICMP of IPv6 is 58. */
export function protocolNumber(rule: Pick<Rule, 'protocol' | 'ethertype'>): number | null {
  if (rule.protocol === null) return null
  if (rule.protocol === 'icmp' && rule.ethertype === 'IPv6') return 58
  return numbers[rule.protocol] ?? Number(rule.protocol)
}

/**
 * One normal form for every way to say a rule (catalogue A08.1–4): "TCP", "tcp" and "6" are one
 * protocol, a single port is a range, 0.0.0.0/0 is no restriction. Refuses what the filter could
 * not honour, with a sentence.
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
  if (protocol === null || protocol === 'any') return null
  if (protocol in numbers) return protocol
  const number = Number(protocol)
  if (number > 255) throw invalidInput('An IP protocol number is between 0 and 255.', 'protocol')
  return names[String(number)] ?? String(number)
}

function normalisePorts(
  protocol: string | null,
  min: number | null,
  max: number | null,
): { portMin: number | null; portMax: number | null } {
  if (min === null && max === null) return { portMin: null, portMax: null }
  if (protocol === 'icmp') {
    if (min === null) throw invalidInput('An ICMP code needs a type.', 'portMin')
    if (min > 255 || (max ?? 0) > 255)
      throw invalidInput('ICMP types and codes are between 0 and 255.', 'portMin')
    return { portMin: min, portMax: max }
  }
  if (protocol === null || !withPorts.has(protocol))
    throw invalidInput(
      'Ports belong to tcp, udp or sctp. Choose one of them, or leave the ports empty.',
      'portMin',
    )
  const low = min ?? max ?? 0
  const high = max ?? min ?? 0
  if (low < 1) throw invalidInput('A port is between 1 and 65535.', 'portMin')
  if (low > high) throw invalidInput('The first port is above the last one.', 'portMax')
  return { portMin: low, portMax: high }
}

function normaliseRemote(text: string, ethertype: 'IPv4' | 'IPv6'): string | null {
  const match = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text.trim())
  const family = match?.[1]?.includes(':') ? 'IPv6' : 'IPv4'
  if (!match?.[1]) throw invalidInput('Write the range as 203.0.113.0/24.', 'remoteCidr')
  if (family !== ethertype)
    throw invalidInput(`${text} is ${family} but the rule is ${ethertype}.`, 'remoteCidr')
  const bits = family === 'IPv4' ? 32 : 128
  const prefix = match[2] === undefined ? bits : Number(match[2])
  if (prefix > bits) throw invalidInput(`A prefix of ${family} is at most /${bits}.`, 'remoteCidr')
  const value = family === 'IPv4' ? ipv4Value(match[1]) : ipv6Value(match[1])
  if (value === null) throw invalidInput('Write the range as 203.0.113.0/24.', 'remoteCidr')
  if (prefix === 0) return null
  const host = BigInt(bits - prefix)
  if ((value >> host) << host !== value)
    throw invalidInput(`${text} has bits set behind its prefix.`, 'remoteCidr')
  return `${match[1].toLowerCase()}/${prefix}`
}

function ipv4Value(text: string): bigint | null {
  const parts = text.split('.')
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255))
    return null
  return parts.reduce((n, part) => n * 256n + BigInt(part), 0n)
}

function ipv6Value(text: string): bigint | null {
  if (text.includes('.')) return null // IPv4-mapped: the filter would never match it
  const [head = '', tail, ...rest] = text.split('::')
  if (rest.length > 0) return null
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const groups = [...left, ...Array<string>(tail === undefined ? 0 : missing).fill('0'), ...right]
  if (groups.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return null
  return groups.reduce((n, group) => n * 65_536n + BigInt(`0x${group}`), 0n)
}
