import type { FilterRule, NetworkSpec, PortSpec } from '../interface.ts'
import { canonicalCidr } from '../ipv4.ts'
import { portProtocols } from '../spec.ts'
import type { Element, Fragment } from './fragment.ts'
import { identifier, uplinkPeer } from './names.ts'

/**
 * Computes nft rules from a PortSpec. Some kernels (such as Debian's for some clouds) have no conntrack in the
 * bridge family, so the work is split:
 *   bridge prerouting  by incoming port: anti-spoofing, then `mark = slot << 16`
 *   bridge forward     by outgoing port: only what is for this guest, then `mark |= slot`
 *   inet prerouting    before defragmentation: a conntrack zone for each network (overlapping CIDRs)
 *   inet forward       (br_netfilter) stateful rules of both ends, found by the halves of the mark
 * The policy of each chain is drop: a port that is in no map carries nothing.
 */
export const metadataAddress = '169.254.169.254'

/** The base rules, which exist without any port. `leaving` are the chains about packets to the uplink (guard.ts). */
export function skeleton(leaving: Fragment): Fragment {
  return {
    maps: [
      { family: 'bridge', name: 'in_port', type: 'ifname : verdict' },
      { family: 'bridge', name: 'out_port', type: 'ifname : verdict' },
      { family: 'inet', name: 'zones', type: 'ifname : verdict' },
      { family: 'inet', name: 'egress', type: 'mark : verdict' },
      { family: 'inet', name: 'ingress', type: 'mark : verdict' },
    ],
    chains: [
      ...(leaving.chains ?? []),
      {
        family: 'bridge',
        name: 'prerouting',
        hook: 'type filter hook prerouting priority -300; policy drop;',
        rules: ['iifname vmap @in_port'],
      },
      // This also drops IPv6 with its router advertisements, and 802.1Q and QinQ, whose frames show their tag as the type.
      { family: 'bridge', name: onlyIpv4, rules: ['ether type ip return', 'ether type arp return', 'drop'] },
      // No frame on a bridge may reach this namespace itself: all addresses are behind veth pairs.
      {
        family: 'bridge',
        name: 'input',
        hook: 'type filter hook input priority -200; policy drop;',
        rules: [],
      },
      {
        family: 'bridge',
        name: 'forward',
        hook: 'type filter hook forward priority -200; policy drop;',
        rules: ['oifname vmap @out_port'],
      },
      // -450 is before defragmentation (-400): fragments of two tenants must not meet in one queue.
      {
        family: 'inet',
        name: 'zone',
        hook: 'type filter hook prerouting priority -450; policy accept;',
        rules: ['iifname vmap @zones'],
      },
      { family: 'inet', name: 'to_ingress', rules: ['meta mark & 0x0000ffff vmap @ingress', 'accept'] },
      {
        family: 'inet',
        name: 'forward',
        hook: 'type filter hook forward priority 0; policy drop;',
        rules: [
          `oifname "${uplinkPeer}" jump leaving`,
          'meta mark 0x00000000 accept',
          'ct state established,related accept',
          'ct state invalid drop',
          'meta mark & 0xffff0000 vmap @egress',
          'goto to_ingress',
        ],
      },
      {
        family: 'inet',
        name: 'input',
        hook: 'type filter hook input priority 0; policy drop;',
        rules: [
          'iifname "lo" accept',
          'ct state established,related accept',
          // A gateway answers pings on its own side only; the ends of the uplink answer no guest.
          'fib daddr . iif type local icmp type echo-request accept',
        ],
      },
    ],
  }
}

const onlyIpv4 = 'only_ipv4'

/** The rules of a bridge port of our own (DHCP server, router, gateway): its packets are neither filtered nor marked. */
export function infrastructurePort(device: string): Fragment {
  return {
    elements: (['in_port', 'out_port'] as const).map(
      (map): Element => ({ family: 'bridge', map, key: `"${device}"`, value: 'accept' }),
    ),
  }
}

/** The rules for the network's conntrack zone and the addresses of its DHCP servers. */
export function networkFilter(spec: NetworkSpec, bridge: string, zone: number): Fragment {
  const servers = spec.subnets.flatMap((s) => (s.dhcp && s.dhcpIp ? [s.dhcpIp] : []))
  return {
    sets: [{ family: 'inet', name: dhcpSet(spec.tag), members: servers }],
    chains: [{ family: 'inet', name: `zone_${spec.tag}`, rules: [`ct zone set ${zone}`] }],
    elements: [{ family: 'inet', map: 'zones', key: `"${bridge}"`, value: `goto zone_${spec.tag}` }],
  }
}

const dhcpSet = (networkTag: number) => `dhcp_${networkTag}`
export const setName = (id: string) => `members_${identifier(id)}`

export function addressSetFilter(id: string, members: readonly string[] | null): Fragment {
  return { sets: [{ family: 'inet', name: setName(id), members }] }
}

const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`

/** All chains and map elements of one port. They are replaced in one transaction, so that the port is never unfiltered. */
export function portFilter(spec: PortSpec, tap: string, slot: number, networkTag: number): Fragment {
  const { tag } = spec
  const high = hex(slot * 65_536)
  const low = hex(slot)
  const named = new Set(
    spec.rules.flatMap((r) => (r.remote && 'addressSet' in r.remote ? [r.remote.addressSet] : [])),
  )
  const open = !spec.portSecurity
  return {
    sets: open ? [] : [...named].map((id) => ({ family: 'inet' as const, name: setName(id), members: null })),
    chains: [
      { family: 'bridge', name: `in_${tag}`, rules: open ? ['accept'] : fromGuest(spec, high) },
      { family: 'bridge', name: `out_${tag}`, rules: open ? ['accept'] : toGuest(spec, low) },
      { family: 'inet', name: `egress_${tag}`, rules: open ? ['goto to_ingress'] : egress(spec, networkTag) },
      { family: 'inet', name: `ingress_${tag}`, rules: open ? ['accept'] : ingress(spec, networkTag) },
    ],
    elements: [
      { family: 'bridge', map: 'in_port', key: `"${tap}"`, value: `goto in_${tag}` },
      { family: 'bridge', map: 'out_port', key: `"${tap}"`, value: `goto out_${tag}` },
      { family: 'inet', map: 'egress', key: high, value: `goto egress_${tag}` },
      { family: 'inet', map: 'ingress', key: low, value: `goto ingress_${tag}` },
    ],
  }
}

/**
 * The rules about packets from a guest. Rules of ports have no anonymous sets ("{ a, b }"): to list one chain, nft
 * reads all anonymous sets of the table, one by one.
 */
function fromGuest(spec: PortSpec, mark: string): string[] {
  const own = spec.addresses.map((a) => a.ip)
  const raw = `0x${spec.mac.replaceAll(':', '')}`
  return [
    `ether saddr != ${spec.mac} drop`,
    `jump ${onlyIpv4}`,
    `meta mark set ${mark}`,
    ...['0.0.0.0', ...own].map(
      (ip) => `ether type arp arp operation 1-2 arp saddr ether ${spec.mac} arp saddr ip ${ip} accept`,
    ),
    'ether type arp drop',
    'udp sport 67 drop',
    // chaddr, 28 bytes into the DHCP message, must be the port's own MAC: no guest asks for the lease of another.
    `udp dport 67 @th,288,48 != ${raw} drop`,
    'ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept',
    ...own.map((ip) => `ip saddr ${ip} accept`),
    'drop',
  ]
}

function toGuest(spec: PortSpec, mark: string): string[] {
  return [
    `jump ${onlyIpv4}`,
    // A bridge floods frames for a MAC that it has not learned; a guest must not see unicast frames of others.
    `ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 ether daddr != ${spec.mac} drop`,
    `meta mark set meta mark | ${mark}`,
    'accept',
  ]
}

function egress(spec: PortSpec, networkTag: number): string[] {
  return [
    'udp sport 67 drop',
    'ip daddr 255.255.255.255 udp sport 68 udp dport 67 goto to_ingress',
    `ip daddr @${dhcpSet(networkTag)} udp sport 68 udp dport 67 goto to_ingress`,
    `ip daddr ${metadataAddress} tcp dport 80 goto to_ingress`,
    ...matches(spec, 'egress').map((match) => `${match} goto to_ingress`),
    'drop',
  ]
}

function ingress(spec: PortSpec, networkTag: number): string[] {
  return [
    `ip saddr @${dhcpSet(networkTag)} udp sport 67 udp dport 68 accept`,
    ...matches(spec, 'ingress').map((match) => `${match} accept`),
    'drop',
  ]
}

/** The nft matches of the rules, each once. IPv6 rules are left out, because no IPv6 frame passes a port. */
function matches(spec: PortSpec, direction: FilterRule['direction']): string[] {
  const wanted = spec.rules.filter((rule) => rule.direction === direction && rule.ethertype === 'IPv4')
  return [...new Set(wanted.map(match))]
}

function match(rule: FilterRule): string {
  const field = rule.direction === 'ingress' ? 'ip saddr' : 'ip daddr'
  const parts = [remote(rule, field), transport(rule)].filter((part) => part !== null)
  return parts.length > 0 ? parts.join(' ') : 'meta nfproto ipv4'
}

function remote(rule: FilterRule, field: string): string | null {
  if (rule.remote === null) return null
  if ('addressSet' in rule.remote) return `${field} @${setName(rule.remote.addressSet)}`
  const cidr = canonicalCidr(rule.remote.cidr)
  return cidr === null || cidr === '0.0.0.0/0' ? null : `${field} ${cidr}`
}

function transport({ protocol, portMin, portMax }: FilterRule): string | null {
  if (protocol === null) return null
  if (portMin === null) return `meta l4proto ${protocol}`
  if (protocol === 1) return `icmp type ${portMin}${portMax === null ? '' : ` icmp code ${portMax}`}`
  const name = portProtocols.get(protocol)
  // A rule for an ICMPv6 type on IPv4 matches nothing: such packets have no meaning, and the protocol alone would allow too much.
  if (name === undefined) return `meta l4proto ${protocol} meta nfproto ipv6`
  const ports = portMax === null || portMin === portMax ? `${portMin}` : `${portMin}-${portMax}`
  return `${name} dport ${ports}`
}
