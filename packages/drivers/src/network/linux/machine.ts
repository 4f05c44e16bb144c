import { z } from 'zod'
import type { Op } from '../../op.ts'
import { parseCidr } from '../ipv4.ts'
import { runJson } from './exec.ts'

/** The machine's addresses and routes, as its kernel says. */
export type Machine = {
  /** The machine's own addresses, as CIDRs. */
  addresses: string[]
  /** The unicast routes; `connected`: the destination is reached without a gateway. */
  routes: { to: string; connected: boolean; devices: string[] }[]
  /** By interface (and `all`): whether the machine forwards packets that come in by it. */
  forwarding: Map<string, boolean>
}

const routeShape = z.array(
  z.looseObject({
    type: z.string().default('unicast'),
    dst: z.string(),
    dev: z.string().optional(),
    scope: z.string().default('global'),
    gateway: z.string().optional(),
    via: z.unknown().optional(),
    nexthops: z.array(z.looseObject({ dev: z.string().optional() })).default([]),
  }),
)
const forwardingShape = z.array(z.looseObject({ interface: z.string(), forwarding: z.boolean().optional() }))

export async function readMachine(op: Op, namespace: string | undefined): Promise<Machine> {
  const [routes, interfaces] = await Promise.all([
    runJson(op, ['ip', '-j', '-4', 'route', 'show', 'table', 'all'], { namespace }),
    runJson(op, ['ip', '-j', '-4', 'netconf', 'show'], { namespace }),
  ])
  const all = routeShape.parse(routes)
  return {
    addresses: all.filter((route) => route.type === 'local').map((route) => cidrOf(route.dst)),
    routes: all
      .filter((route) => route.type === 'unicast')
      .map((route) => ({
        to: cidrOf(route.dst),
        connected: isConnected(route),
        devices: [route, ...route.nexthops].flatMap(({ dev }) => (dev ? [dev] : [])),
      })),
    forwarding: new Map(
      forwardingShape.parse(interfaces).map((item) => [item.interface, item.forwarding === true]),
    ),
  }
}

function cidrOf(text: string): string {
  if (text === 'default') return '0.0.0.0/0'
  return text.includes('/') ? text : `${text}/32`
}

/** True for a route without a gateway. A range wider than /8 (a default route, a VPN for everything) does not count as a connected network. */
function isConnected(route: z.infer<typeof routeShape>[number]): boolean {
  const isDirect = route.scope === 'link' && !route.gateway && !route.via && route.nexthops.length === 0
  return isDirect && (parseCidr(cidrOf(route.dst))?.prefix ?? 0) >= 8
}
