import type { Op } from '../../op.ts'
import type { NetworkSpec } from '../interface.ts'
import { canonicalCidr, parseCidr } from '../ipv4.ts'
import { ensureInfrastructure, removeInfrastructure } from './bridges.ts'
import { ipBatch } from './exec.ts'
import { addressLines, type Kernel, readAddresses } from './kernel.ts'
import { externalGateway, externalPeer, stableMac, uplinkPeer } from './names.ts'
import { bridgeOf, type Plane } from './plane.ts'
import { ensureUplink, removeUplink } from './uplink.ts'

/**
 * Makes the gateway of an external network. It is a veth pair into the bridge and not an address on the bridge, so
 * that packets from this namespace to a guest pass the same bridge filters as all others.
 */
export async function ensureExternal(op: Op, plane: Plane, spec: NetworkSpec, kernel: Kernel): Promise<void> {
  const device = externalGateway(plane.place, spec.tag)
  const peer = externalPeer(plane.place, spec.tag)
  if (!spec.external) return removeExternal(op, plane, spec, kernel)
  const mac = stableMac(plane.place.cloud, 'external', spec.id)
  const create = `link add ${peer} mtu ${spec.mtu} type veth peer name ${device} mtu ${spec.mtu} address ${mac}`
  await ensureInfrastructure(
    op,
    plane,
    { device: peer, bridge: bridgeOf(plane, spec), mtu: spec.mtu, create },
    kernel,
  )
  const want = spec.subnets.flatMap((s) =>
    s.gatewayIp ? [`${s.gatewayIp}/${parseCidr(s.cidr)?.prefix}`] : [],
  )
  const lines = addressLines(device, await readAddresses(op, plane.namespace, device), want)
  const link = kernel.links.get(device)
  if (!link?.up || lines.length > 0)
    await ipBatch(op, plane.namespace, [...lines, `link set dev ${device} up`])
  await settleUplink(op, plane, floatingRanges(plane, spec.id, spec), kernel)
}

export async function removeExternal(op: Op, plane: Plane, spec: NetworkSpec, kernel: Kernel): Promise<void> {
  await removeInfrastructure(op, plane, externalPeer(plane.place, spec.tag), kernel)
  if (kernel.links.has(uplinkPeer))
    await settleUplink(op, plane, floatingRanges(plane, spec.id, null), kernel)
}

/** Makes the uplink when egress is on and an external network exists, and removes it otherwise. */
async function settleUplink(op: Op, plane: Plane, ranges: readonly string[], kernel: Kernel): Promise<void> {
  if (plane.egress === 'on' && ranges.length > 0) return ensureUplink(op, plane, ranges)
  if (kernel.links.has(uplinkPeer)) await removeUplink(op, plane)
}

/** The CIDRs of all external networks of this host, with `spec` in place of the network that is recorded under `id`. */
export function floatingRanges(plane: Plane, id: string, spec: NetworkSpec | null): string[] {
  const others = [...plane.state.networks.entries.values()]
    .map((entry) => entry.spec)
    .filter((n) => n.id !== id)
  const external = [...others, ...(spec ? [spec] : [])].filter((network) => network.external)
  return external.flatMap((network) => network.subnets.flatMap((subnet) => canonicalCidr(subnet.cidr) ?? []))
}
