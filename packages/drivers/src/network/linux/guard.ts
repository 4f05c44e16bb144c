import { contains, outermost, parseCidr } from '../ipv4.ts'
import type { Chain, Fragment } from './fragment.ts'
import type { Machine } from './machine.ts'
import { isUplink, machineTable, type Place, uplinkGroup, uplinkName, uplinkPeer } from './names.ts'

/** What guests may not reach, as the operator says it: these, and the networks the machine is connected to. */
export type GuestDeny = { connected: boolean; cidrs: readonly string[] }

/** The same, with what the machine's kernel says now. */
export type Guard = {
  /** CIDRs, none within another. */
  denied: readonly string[]
  /** Answered on port 53, also within `denied`. */
  nameServers: readonly string[]
}

/** Both ends of the uplink; the same pair on every host, because each is seen only over its own link. */
export const machineEnd = '169.254.240.1'
export const planeEnd = '169.254.240.2'

/** Never routed for a guest: this network, loopback, link-local, multicast, reserved and broadcast. */
const unroutable = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3']

/** Where nothing leads out. */
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

/** Interfaces of the machine by which something leads that guests may reach: answers come in there. */
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

/** Answers to what others began. What a guest begins is judged packet by packet, also in an old flow. */
const answers = 'ct state established,related ct direction reply'

/** What a guest may not, in the order in which it is asked. */
function judgement({ denied, nameServers }: Guard, pass: 'accept' | 'return'): string[] {
  return [
    // No IPv6 address of a guest leads out, and no bridge of ours carries any.
    'meta nfproto != ipv4 drop',
    ...(nameServers.length > 0 ? [`${asked(nameServers)} ${pass}`] : []),
    `ip daddr { ${denied.join(', ')} } drop`,
  ]
}

const asked = (nameServers: readonly string[]) =>
  `ip daddr { ${nameServers.join(', ')} } meta l4proto { tcp, udp } th dport 53`

/**
 * In the data plane, about what is routed towards the machine: right also after somebody flushed the
 * machine's rules. And what the machine sends shows the gateway's address, which guests can answer.
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
 * On the machine, in a table of our own, and only about what comes over our uplink or was not forwarded
 * before us. `switched`: interfaces that forward because of us.
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
          // "Too big" and the like, told by the data plane itself about a flow of a guest.
          'meta l4proto icmp ct state related accept',
          `${answers} accept`,
          `ip saddr != ${range} drop`,
          ...judgement(guard, 'accept'),
          // Whatever addresses the machine has by now.
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
        // Its own way back is left alone: what a bridge of the machine carries comes by here too.
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
