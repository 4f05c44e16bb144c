import type { Op } from '../../op.ts'
import type { NetworkSpec } from '../interface.ts'
import { ipBatch } from './exec.ts'
import { infrastructurePort, networkFilter } from './filter.ts'
import type { Kernel } from './kernel.ts'
import { stableMac } from './names.ts'
import { bridgeOf, type Plane } from './plane.ts'

/** Makes a network's bridge and the rules of its conntrack zone. Writes only what differs. */
export async function ensureBridge(op: Op, plane: Plane, spec: NetworkSpec, zone: number, kernel: Kernel) {
  const name = bridgeOf(plane, spec)
  const filter = networkFilter(spec, name, zone)
  if (await kernel.rules.difference(op, filter)) await kernel.rules.apply(op, filter)
  const link = kernel.links.get(name)
  const alias = `network ${spec.id} ${zone}`
  if (link?.up && link.mtu === spec.mtu && link.alias === alias) return
  const lines: string[] = []
  if (!link)
    lines.push(
      `link add ${name} address ${stableMac(spec.id)} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    )
  lines.push(
    `link set dev ${name} mtu ${spec.mtu}`,
    `link set dev ${name} alias "${alias}"`,
    `link set dev ${name} up`,
  )
  await ipBatch(op, plane.namespace, lines)
}

export async function removeBridge(op: Op, plane: Plane, spec: NetworkSpec, zone: number, kernel: Kernel) {
  const name = bridgeOf(plane, spec)
  if (kernel.links.has(name)) await ipBatch(op, plane.namespace, [`link delete dev ${name}`])
  await kernel.rules.remove(op, networkFilter(spec, name, zone))
}

/**
 * Plugs our own end of a veth pair into a bridge. `create` is the `ip` command that makes a missing
 * pair. Returns true when the pair had to be made.
 */
export async function ensureInfrastructure(
  op: Op,
  plane: Plane,
  wish: { device: string; bridge: string; mtu: number; create: string },
  kernel: Kernel,
): Promise<boolean> {
  const { device, bridge, mtu, create } = wish
  const filter = infrastructurePort(device)
  if (await kernel.rules.difference(op, filter)) await kernel.rules.apply(op, filter)
  const link = kernel.links.get(device)
  if (link?.up && link.master === bridge && link.mtu === mtu) return false
  const lines = link ? [] : [create]
  lines.push(`link set dev ${device} mtu ${mtu} master ${bridge}`, `link set dev ${device} up`)
  await ipBatch(op, plane.namespace, lines)
  return !link
}

export async function removeInfrastructure(
  op: Op,
  plane: Plane,
  device: string,
  kernel: Kernel,
): Promise<void> {
  if (kernel.links.has(device))
    await ipBatch(op, plane.namespace, [`link delete dev ${device}`], { force: true })
  await kernel.rules.remove(op, infrastructurePort(device))
}
