import { DriverError } from '../errors.ts'
import type { AddressSetSpec, NetworkSpec, PortSpec, RecordedPort, RouterSpec } from './interface.ts'
import { contains } from './ipv4.ts'

/** The recorded wishes of a host. The fake and the real driver check new wishes against them with the same code. */
export type Recorded = {
  networks: ReadonlyMap<string, NetworkSpec>
  ports: ReadonlyMap<string, PortSpec>
  routers: ReadonlyMap<string, RouterSpec>
  sets: ReadonlyMap<string, AddressSetSpec>
}

function freeTag(
  kind: string,
  spec: { id: string; tag: number },
  others: Iterable<{ id: string; tag: number }>,
) {
  for (const other of others) {
    if (other.tag === spec.tag && other.id !== spec.id)
      throw new DriverError(
        'conflict',
        `Tag ${spec.tag} of ${kind} ${spec.id} belongs to ${kind} ${other.id}.`,
      )
  }
}

function need(recorded: Recorded, networkId: string, kind: string, id: string): NetworkSpec {
  const network = recorded.networks.get(networkId)
  if (!network)
    throw new DriverError(
      'not_found',
      `Network ${networkId} of ${kind} ${id} is not on this host: ensure it first.`,
    )
  return network
}

/** Refuses a changed tag: names in the kernel are made from the tag. */
function keepTag(kind: string, spec: { id: string; tag: number }, known: { tag: number } | undefined) {
  if (known && known.tag !== spec.tag)
    throw new DriverError(
      'invalid',
      `The tag of ${kind} ${spec.id} is ${known.tag} and cannot become ${spec.tag}.`,
    )
}

export function relateNetwork(recorded: Recorded, spec: NetworkSpec): void {
  keepTag('network', spec, recorded.networks.get(spec.id))
  freeTag('network', spec, recorded.networks.values())
}

/**
 * Checks a port against the recorded wishes. An address and a MAC belong to one port of a network: otherwise findPort,
 * and with it the metadata service, would have to guess from which guest a packet comes (A07).
 */
export function relatePort(recorded: Recorded, spec: PortSpec): void {
  const known = recorded.ports.get(spec.id)
  keepTag('port', spec, known)
  if (known && known.networkId !== spec.networkId)
    throw new DriverError(
      'invalid',
      `Port ${spec.id} is on network ${known.networkId} and cannot move to another.`,
    )
  freeTag('port', spec, recorded.ports.values())
  const network = need(recorded, spec.networkId, 'port', spec.id)
  for (const { subnetId, ip } of spec.addresses) {
    const subnet = network.subnets.find((candidate) => candidate.id === subnetId)
    if (!subnet)
      throw new DriverError('not_found', `Subnet ${subnetId} of port ${spec.id} is not on this host.`)
    if (!contains(subnet.cidr, ip))
      throw new DriverError('invalid', `Address ${ip} of port ${spec.id} is outside of ${subnet.cidr}.`)
    if (network.subnets.some((s) => s.dhcp && s.dhcpIp === ip))
      throw new DriverError('conflict', `Address ${ip} of port ${spec.id} is that of the DHCP server.`)
  }
  const others = [...recorded.ports.values()].filter(
    (other) => other.id !== spec.id && other.networkId === spec.networkId,
  )
  const twin = others.find((other) => other.mac === spec.mac)
  if (twin)
    throw new DriverError('conflict', `MAC ${spec.mac} of port ${spec.id} belongs to port ${twin.id}.`)
  const mine = new Set(spec.addresses.map(({ ip }) => ip))
  refuseShared('port', spec.id, mine, others, (other) => other.addresses.map(({ ip }) => ip))
}

/** Refuses an address that another thing of the same kind has. */
function refuseShared<Spec extends { id: string }>(
  kind: string,
  id: string,
  mine: ReadonlySet<string>,
  others: readonly Spec[],
  addressesOf: (other: Spec) => readonly string[],
): void {
  const shared = others.flatMap((other) => {
    const address = addressesOf(other).find((one) => mine.has(one))
    return address === undefined ? [] : { address, id: other.id }
  })
  const [first] = shared
  if (first)
    throw new DriverError(
      'conflict',
      `Address ${first.address} of ${kind} ${id} belongs to ${kind} ${first.id}.`,
      { inTheWay: shared.map((other) => other.id) },
    )
}

export function relateRouter(recorded: Recorded, spec: RouterSpec): void {
  keepTag('router', spec, recorded.routers.get(spec.id))
  freeTag('router', spec, recorded.routers.values())
  for (const item of spec.interfaces) need(recorded, item.networkId, 'router', spec.id)
  if (!spec.external) return
  const network = need(recorded, spec.external.networkId, 'router', spec.id)
  if (!network.external)
    throw new DriverError('invalid', `Network ${network.id} of router ${spec.id} is not an external network.`)
  const mine = new Set([spec.external.address, ...spec.floatingIps.map((f) => f.address)])
  const others = [...recorded.routers.values()].filter(
    (other) => other.id !== spec.id && other.external?.networkId === network.id,
  )
  refuseShared('router', spec.id, mine, others, ({ external, floatingIps }) => [
    ...(external ? [external.address] : []),
    ...floatingIps.map(({ address }) => address),
  ])
}

export function releaseNetwork(recorded: Recorded, id: string): void {
  for (const port of recorded.ports.values()) {
    if (port.networkId === id)
      throw new DriverError('conflict', `Network ${id} still has port ${port.id}: remove the port first.`)
  }
  for (const router of recorded.routers.values()) {
    if (router.external?.networkId === id || router.interfaces.some((item) => item.networkId === id))
      throw new DriverError(
        'conflict',
        `Network ${id} is joined by router ${router.id}: remove the router first.`,
      )
  }
}

export function releaseAddressSet(recorded: Recorded, id: string): void {
  for (const port of recorded.ports.values()) {
    if (namesSet(port, id))
      throw new DriverError(
        'conflict',
        `Address set ${id} is named by rules of port ${port.id}: change them first.`,
      )
  }
}

export function namesSet(port: PortSpec, id: string): boolean {
  return port.rules.some(
    (rule) => rule.remote !== null && 'addressSet' in rule.remote && rule.remote.addressSet === id,
  )
}

/** True when the network's DHCP server, and with it the metadata address, is on this host. */
export function servesDhcp(network: NetworkSpec): boolean {
  return network.subnets.some((subnet) => subnet.dhcp)
}

/** The port that has this source address on the network; null when there is none: then the metadata service refuses to answer. */
export function findPortIn(ports: Iterable<PortSpec>, networkId: string, address: string) {
  for (const port of ports) {
    if (port.networkId === networkId && port.addresses.some((item) => item.ip === address))
      return { portId: port.id, instanceId: port.instanceId, projectId: port.projectId }
  }
  return null
}

/** An instance's ports in the order of their tags, each with its network and the floating IPs that lead to it. */
export function portsOfIn(
  recorded: Recorded,
  instanceId: string,
  tapOf: (tag: number) => string,
): RecordedPort[] {
  const ports = [...recorded.ports.values()].filter((port) => port.instanceId === instanceId)
  return ports
    .sort((a, b) => a.tag - b.tag)
    .flatMap((port) => {
      const network = recorded.networks.get(port.networkId)
      if (!network) return []
      const own = new Set(port.addresses.map((address) => address.ip))
      const joined = [...recorded.routers.values()].filter((r) =>
        r.interfaces.some((i) => i.networkId === network.id),
      )
      const floatingIps = joined
        .flatMap((router) => router.floatingIps)
        .filter((floating) => own.has(floating.fixedAddress))
        .map(({ address, fixedAddress }) => ({ address, fixedAddress }))
      return [{ port, tap: tapOf(port.tag), network, floatingIps }]
    })
}
