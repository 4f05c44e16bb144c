import { z } from 'zod'
import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import type { NetworkSpec, RouterSpec } from '../interface.ts'
import { canonicalCidr } from '../ipv4.ts'
import { announce } from './announce.ts'
import { ensureInfrastructure, removeInfrastructure } from './bridges.ts'
import { ipBatch, runJson } from './exec.ts'
import { endRouted } from './flows.ts'
import type { Fragment } from './fragment.ts'
import { addressLines, type Kernel } from './kernel.ts'
import { gatewayPeer, interfaceName, interfacePeer, type Place, routerNamespace, stableMac } from './names.ts'
import { ensureNamespace, namespaceExists, removeNamespace, routerSysctls } from './namespace.ts'
import { bridgeOf, type Plane } from './plane.ts'
import { Rules } from './rules.ts'
import type { Entry } from './state.ts'

const gateway = 'gw0'
/** Loopback and link-local addresses, which no router may forward. */
const neverRouted = '{ 127.0.0.0/8, 169.254.0.0/16 }'

/** The wish for one interface of a router. */
type Wish = { device: string; peer: string; network: NetworkSpec; mac: string; addresses: string[] }
type Found = { mac: string; up: boolean; addresses: string[] }

/** Makes a router: a namespace with an interface on each network and NAT by nft maps. Writes only what differs. */
export async function ensureRouterParts(
  op: Op,
  plane: Plane,
  { spec, pending }: Entry<RouterSpec>,
  kernel: Kernel,
): Promise<void> {
  const namespace = routerNamespace(plane.place, spec.id)
  const isNew = await ensureRouterNamespace(op, plane, spec, namespace, kernel)
  // NAT and the forwarding policy come first, so that no packet is forwarded without them.
  const filter = routerFilter(spec)
  const wishes = wishesOf(plane, spec)
  const [rules, before, route] = await Promise.all([
    Rules.whole(op, namespace),
    readInterfaces(op, namespace),
    readDefaultRoute(op, namespace),
  ])
  if (await rules.difference(op, filter)) await rules.apply(op, filter)
  await dropInterfaces(op, plane, spec, kernel, [...before.keys()], wishes)
  for (const { device, peer, network, mac } of wishes) {
    const { mtu } = network
    const create = `link add ${peer} mtu ${mtu} type veth peer name ${device} mtu ${mtu} address ${mac} netns ${namespace}`
    await ensureInfrastructure(
      op,
      plane,
      { device: peer, bridge: bridgeOf(plane, network), mtu, create },
      kernel,
    )
  }
  await ipBatch(op, namespace, interfaceLines(spec, wishes, before, route))
  const lost = new Set([...lostOf(before, wishes), ...(pending?.addresses ?? [])])
  if (!isNew) await endRouted(op, plane, namespace, [...lost])
  const out = wishes.find((wish) => wish.device === gateway)
  if (!out || !spec.adminUp) return
  const known = new Set(before.get(gateway)?.up ? before.get(gateway)?.addresses : [])
  const fresh = out.addresses
    .filter((address) => !known.has(address))
    .map((address) => address.split('/')[0] ?? '')
  await announce(op, namespace, gateway, out.mac, fresh)
}

async function ensureRouterNamespace(
  op: Op,
  plane: Plane,
  spec: RouterSpec,
  namespace: string,
  kernel: Kernel,
) {
  if (namespaceExists(namespace)) return false
  await ensureNamespace(op, namespace, routerSysctls)
  const peers = [
    gatewayPeer(plane.place, spec.tag),
    ...spec.interfaces.map((item) => interfacePeer(item.portId)),
  ]
  const orphans = peers.filter((peer) => kernel.links.has(peer))
  await ipBatch(
    op,
    plane.namespace,
    orphans.map((peer) => `link delete dev ${peer}`),
    { force: true },
  )
  for (const peer of orphans) kernel.links.delete(peer)
  return true
}

function networkOf(plane: Plane, id: string): NetworkSpec {
  const entry = plane.state.networks.entries.get(id)
  if (!entry || entry.leaving)
    throw new DriverError('not_found', `Network ${id} is not on this host: ensure it first.`)
  return entry.spec
}

function wishesOf(plane: Plane, spec: RouterSpec): Wish[] {
  const wishes = spec.interfaces.map((item) => ({
    device: interfaceName(item.portId),
    peer: interfacePeer(item.portId),
    network: networkOf(plane, item.networkId),
    mac: item.mac,
    addresses: [`${item.address}/${item.prefix}`],
  }))
  if (!spec.external) return wishes
  return [...wishes, gatewayWish(plane, spec, spec.external)]
}

function gatewayWish(plane: Plane, spec: RouterSpec, external: NonNullable<RouterSpec['external']>): Wish {
  return {
    device: gateway,
    peer: gatewayPeer(plane.place, spec.tag),
    network: networkOf(plane, external.networkId),
    mac: stableMac(plane.place.cloud, 'gateway', spec.id),
    addresses: [`${external.address}/${external.prefix}`, ...spec.floatingIps.map((f) => `${f.address}/32`)],
  }
}

function interfaceLines(
  spec: RouterSpec,
  wishes: readonly Wish[],
  before: ReadonlyMap<string, Found>,
  route: string | null,
): string[] {
  const lines = wishes.flatMap(({ device, mac, addresses }) => {
    const found = before.get(device)
    const changes = addressLines(device, found?.addresses ?? [], addresses)
    if (found && found.mac !== mac) changes.push(`link set dev ${device} address ${mac}`)
    if (found?.up !== spec.adminUp) changes.push(`link set dev ${device} ${spec.adminUp ? 'up' : 'down'}`)
    return changes
  })
  // A change of an interface may have removed the route.
  if (spec.external && spec.adminUp && (lines.length > 0 || route !== spec.external.gatewayIp))
    lines.push(`route replace default via ${spec.external.gatewayIp} dev ${gateway} onlink`)
  return lines
}

const routeShape = z.array(
  z.looseObject({ gateway: z.string().optional(), dev: z.string(), flags: z.array(z.string()).optional() }),
)

/** The gateway of the default route, when there is exactly one and it uses our interface as we make it; otherwise null. */
async function readDefaultRoute(op: Op, namespace: string): Promise<string | null> {
  const routes = routeShape.parse(
    await runJson(op, ['ip', '-j', '-4', 'route', 'show', 'default'], { namespace }),
  )
  const [route] = routes
  const ours = routes.length === 1 && route?.dev === gateway && route.flags?.includes('onlink')
  return (ours && route?.gateway) || null
}

async function dropInterfaces(
  op: Op,
  plane: Plane,
  spec: RouterSpec,
  kernel: Kernel,
  devices: readonly string[],
  wishes: readonly Wish[],
): Promise<void> {
  for (const device of devices) {
    if (wishes.some((wish) => wish.device === device)) continue
    await removeInfrastructure(op, plane, peerOf(plane.place, spec.tag, device), kernel)
  }
}

const peerOf = (place: Place, tag: number, device: string) =>
  device === gateway ? gatewayPeer(place, tag) : device.replace(/^qr/, 'rp')

const interfaceShape = z.array(
  z.looseObject({
    ifname: z.string(),
    address: z.string().optional(),
    flags: z.array(z.string()),
    addr_info: z.array(z.looseObject({ family: z.string(), local: z.string(), prefixlen: z.number() })),
  }),
)

/** Our interfaces in a router's namespace. */
async function readInterfaces(op: Op, namespace: string): Promise<Map<string, Found>> {
  const links = interfaceShape.parse(await runJson(op, ['ip', '-j', 'address', 'show'], { namespace }))
  const own = links.filter((link) => link.ifname === gateway || link.ifname.startsWith('qr'))
  return new Map(
    own.map((link) => [
      link.ifname,
      {
        mac: link.address ?? '',
        up: link.flags.includes('UP'),
        addresses: link.addr_info.filter((i) => i.family === 'inet').map((i) => `${i.local}/${i.prefixlen}`),
      },
    ]),
  )
}

/** The addresses that the router had before and loses. */
function lostOf(before: ReadonlyMap<string, Found>, wishes: readonly Wish[]): string[] {
  const kept = new Set(wishes.flatMap((wish) => wish.addresses))
  const had = [...before.values()].flatMap((found) => found.addresses)
  return had.filter((address) => !kept.has(address)).flatMap((text) => text.split('/')[0] ?? [])
}

/** The NAT rules of a router: floating IPs by maps in both directions, all other packets by the router's own address. */
export function routerFilter(spec: RouterSpec): Fragment {
  const ip = 'ip' as const
  const inside = spec.interfaces.flatMap((item) => canonicalCidr(`${item.address}/${item.prefix}`) ?? [])
  const source =
    spec.external && inside.length > 0
      ? [`oifname "${gateway}" ip saddr { ${inside.join(', ')} } snat to ${spec.external.address}`]
      : []
  return {
    maps: [
      { family: ip, name: 'to_fixed', type: 'ipv4_addr : ipv4_addr', exact: true },
      { family: ip, name: 'to_floating', type: 'ipv4_addr : ipv4_addr', exact: true },
    ],
    chains: [
      {
        family: ip,
        name: 'prerouting',
        hook: 'type nat hook prerouting priority -100; policy accept;',
        rules: ['dnat to ip daddr map @to_fixed'],
      },
      {
        family: ip,
        name: 'postrouting',
        hook: 'type nat hook postrouting priority 100; policy accept;',
        rules: [
          // Hairpin: a guest reaches its neighbour by floating IP, so the answer must come back through this router.
          'ct status dnat iifname "qr*" oifname "qr*" masquerade',
          `oifname "${gateway}" snat to ip saddr map @to_floating`,
          ...source,
        ],
      },
      {
        family: ip,
        name: 'forward',
        hook: 'type filter hook forward priority 0; policy drop;',
        rules: [
          'ct state established,related accept',
          'ct state invalid drop',
          `ip daddr ${neverRouted} drop`,
          // Drops packets whose source is not behind the interface by which they came: no guest may forge a source address.
          'iifname "qr*" fib saddr . iif oif missing drop',
          'iifname "qr*" accept',
          'ct status dnat accept',
        ],
      },
      {
        family: ip,
        name: 'input',
        hook: 'type filter hook input priority 0; policy drop;',
        rules: [
          'iifname "lo" accept',
          `ip daddr ${neverRouted} drop`,
          'ct state established,related accept',
          'icmp type echo-request accept',
        ],
      },
    ],
    elements: spec.floatingIps.flatMap(({ address, fixedAddress }) => [
      { family: ip, map: 'to_fixed', key: address, value: fixedAddress },
      { family: ip, map: 'to_floating', key: fixedAddress, value: address },
    ]),
  }
}

/** Removes a router, found by its record or (after a crash) by its namespace. */
export async function removeRouterParts(
  op: Op,
  plane: Plane,
  id: string,
  spec: RouterSpec | null,
  kernel: Kernel,
) {
  const namespace = routerNamespace(plane.place, id)
  const found = namespaceExists(namespace) ? [...(await readInterfaces(op, namespace)).keys()] : []
  const peers = new Set(
    found.filter((device) => device !== gateway).map((device) => peerOf(plane.place, 0, device)),
  )
  for (const item of spec?.interfaces ?? []) peers.add(interfacePeer(item.portId))
  if (spec) peers.add(gatewayPeer(plane.place, spec.tag))
  for (const peer of peers) await removeInfrastructure(op, plane, peer, kernel)
  await removeNamespace(op, namespace)
}
