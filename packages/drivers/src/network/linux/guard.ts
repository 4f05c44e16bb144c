import { contains, outermost, parseCidr } from '../ipv4.ts'
import type { Chain, Fragment } from './fragment.ts'
import type { Machine } from './machine.ts'
import { isUplink, machineTable, type Place, uplinkGroup, uplinkName, uplinkPeer } from './names.ts'

/** The operator's setting of denied destinations: these CIDRs and, with `connected`, the networks of the machine. */
export type GuestDeny = { connected: boolean; cidrs: readonly string[] }

/** The denied destinations, computed from the setting and the present addresses and routes of the machine. */
export type Guard = {
  /** CIDRs, none within another. */
  denied: readonly string[]
  /** Name servers that guests reach on port 53, also within `denied`. */
  nameServers: readonly string[]
}

/** Both ends of the uplink; the same pair on every host, because each is seen only over its own link. */
export const machineEnd = '169.254.240.1'
export const planeEnd = '169.254.240.2'

/** Never routed for a guest: this network, loopback, link-local, multicast, reserved and broadcast. */
const unroutable = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3']

/** The guard of a host without egress. */
export const closed: Guard = { denied: ['0.0.0.0/0'], nameServers: [] }

export function guardOf(deny: GuestDeny, nameServers: readonly string[], machine: Machine): Guard {
  const connected = machine.routes.filter((route) => route.connected).map((route) => route.to)
  return {
    denied: outermost([
      ...unroutable,
      ...machine.addresses,
      ...deny.cidrs,
      ...(deny.connected ? connected : []),
    ]),
    nameServers: [...new Set(nameServers)].sort(),
  }
}

/** The machine's interfaces that lead to destinations which guests may reach; answers come in by these interfaces. */
export function waysOut({ denied, nameServers }: Guard, machine: Machine): string[] {
  const leads = (to: string) =>
    !denied.some((cidr) => isWithin(to, cidr)) || nameServers.some((address) => contains(to, address))
  const found = machine.routes.filter((route) => leads(route.to)).flatMap((route) => route.devices)
  return [...new Set(found)].filter((name) => !isUplink(name)).sort()
}

function isWithin(inner: string, outer: string): boolean {
  const [a, b] = [parseCidr(inner), parseCidr(outer)]
  return a !== null && b !== null && a.first >= b.first && a.last <= b.last
}

/** Matches answers in flows that others began. Packets in flows that a guest began are judged one by one, also in an old flow. */
const answers = 'ct state established,related ct direction reply'

/** The rules that decide about a guest's packet, in this order. */
function judgement({ denied, nameServers }: Guard, pass: 'accept' | 'return'): string[] {
  return [
    // Guests have no IPv6 egress, and no bridge of ours carries IPv6.
    'meta nfproto != ipv4 drop',
    ...(nameServers.length > 0 ? [`${asked(nameServers)} ${pass}`] : []),
    `ip daddr { ${denied.join(', ')} } drop`,
  ]
}

const asked = (nameServers: readonly string[]) =>
  `ip daddr { ${nameServers.join(', ')} } meta l4proto { tcp, udp } th dport 53`

/**
 * The rules in the data plane about packets that are routed to the machine; they hold also after somebody flushed the
 * machine's rules. Packets from the machine get the gateway's address as source, so that guests can answer.
 */
export function planeFilter(guard: Guard, egress: 'on' | 'off'): Fragment {
  const leaving: Chain = {
    family: 'inet',
    name: 'leaving',
    rules: [`${answers} return`, ...judgement(guard, 'return')],
  }
  const nat: Chain = {
    family: 'ip',
    name: 'uplink',
    hook: 'type nat hook postrouting priority 100; policy accept;',
    rules: [`ip saddr ${machineEnd} oifname != "${uplinkPeer}" masquerade`],
  }
  return { chains: egress === 'on' ? [leaving, nat] : [leaving] }
}

/**
 * The rules on the machine, in a table of our own. They concern only packets that come by our uplink or that the
 * machine forwards because of us. `switched`: the interfaces that forward because of us.
 */
export function machineFilter(
  place: Place,
  ranges: readonly string[],
  guard: Guard,
  switched: readonly string[],
): Fragment {
  const uplink = uplinkName(place)
  const range = `{ ${outermost(ranges).join(', ')} }`
  const others = `iifname != "${uplink}" accept`
  return {
    table: machineTable(place),
    chains: [
      {
        family: 'inet',
        name: 'prerouting',
        // Before the machine's own DNAT (-100), which would lead a guest to a port that a container publishes.
        hook: 'type filter hook prerouting priority -150; policy accept;',
        rules: [
          others,
          // ICMP errors such as "too big", which the data plane itself sends about a flow of a guest.
          `ip saddr ${planeEnd} meta l4proto icmp ct state related accept`,
          `ip saddr != ${range} drop`,
          `${answers} accept`,
          ...judgement(guard, 'accept'),
          // The machine's own addresses, also those that it got since the guard was computed.
          'fib daddr type != unicast drop',
        ],
      },
      {
        family: 'inet',
        name: 'input',
        hook: 'type filter hook input priority 0; policy accept;',
        rules: [
          others,
          `${answers} accept`,
          ...(guard.nameServers.length > 0 ? [`${asked(guard.nameServers)} accept`] : []),
          'drop',
        ],
      },
      {
        family: 'inet',
        name: 'forward',
        hook: 'type filter hook forward priority 0; policy accept;',
        // A packet that leaves by the interface it came by is left alone: a bridge of the machine passes its frames here, too.
        rules: switched.map(
          (name) => `iifname "${name}" oifname != "${name}" oifgroup != ${uplinkGroup} drop`,
        ),
      },
      {
        family: 'inet',
        name: 'post',
        hook: 'type nat hook postrouting priority 100; policy accept;',
        rules: [`ip saddr ${range} oifname != "${uplink}" masquerade`],
      },
    ],
  }
}
