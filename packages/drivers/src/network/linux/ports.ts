import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import type { AddressSetSpec, NetworkSpec, ObservedPort, PortSpec } from '../interface.ts'
import { namesSet } from '../relations.ts'
import { covers } from './changes.ts'
import { refreshLeases } from './dhcp.ts'
import { ipBatch } from './exec.ts'
import { addressSetFilter, portFilter } from './filter.ts'
import { allows, cutFlows, endFlows, type Members } from './flows.ts'
import type { Kernel } from './kernel.ts'
import { tapName } from './names.ts'
import { bridgeOf, type Plane } from './plane.ts'
import { type Entry, isWhole } from './state.ts'

type Wish = { entry: Entry<PortSpec>; network: Entry<NetworkSpec> }

const aliasOf = ({ slot, spec }: Entry<PortSpec>) => `port ${spec.id} ${slot}`

/** Null when the kernel has this port exactly as recorded; otherwise a sentence about the difference. */
export async function portDifference(
  op: Op,
  plane: Plane,
  { entry, network }: Wish,
  kernel: Kernel,
): Promise<string | null> {
  const { spec, slot } = entry
  const tap = tapName(plane.place, spec.tag)
  const link = kernel.links.get(tap)
  if (!link) return `tap ${tap} is missing`
  if (link.master !== bridgeOf(plane, network.spec)) return `tap ${tap} is not plugged into its bridge`
  if (link.up !== spec.adminUp || link.mtu !== spec.mtu || link.alias !== aliasOf(entry))
    return `tap ${tap} is set up otherwise`
  return kernel.rules.difference(op, portFilter(spec, tap, slot, network.spec.tag))
}

/**
 * Writes the filter first (in one transaction, and reads it back) and the link after it. When a port cannot be
 * finished, a new port is removed again and an existing port is set down.
 */
export async function applyPort(op: Op, plane: Plane, wish: Wish, kernel: Kernel): Promise<ObservedPort> {
  const { entry, network } = wish
  const { spec, slot } = entry
  const tap = tapName(plane.place, spec.tag)
  const link = kernel.links.get(tap)
  try {
    const filter = portFilter(spec, tap, slot, network.spec.tag)
    if (!link || (await kernel.rules.difference(op, filter))) await kernel.rules.apply(op, filter)
    // The tap belongs to root until the hypervisor gives it to the guest's user.
    const lines = link ? [] : [`tuntap add dev ${tap} mode tap user 0 vnet_hdr`]
    lines.push(
      `link set dev ${tap} mtu ${spec.mtu} master ${bridgeOf(plane, network.spec)}`,
      `link set dev ${tap} alias "${aliasOf(entry)}"`,
      `link set dev ${tap} ${spec.adminUp ? 'up' : 'down'}`,
    )
    await ipBatch(op, plane.namespace, lines)
  } catch (error) {
    await closePort(op, plane, tap, link === undefined)
    throw error
  }
  return observedPort(plane, spec)
}

/** What the driver returns about a port that was just made as `spec` says. */
export const observedPort = (plane: Plane, { id, tag, adminUp, instanceId }: PortSpec): ObservedPort => ({
  id,
  tap: tapName(plane.place, tag),
  state: adminUp ? 'active' : 'down',
  instanceId,
})

async function closePort(op: Op, plane: Plane, tap: string, isNew: boolean): Promise<void> {
  await ipBatch(op, plane.namespace, [isNew ? `link delete dev ${tap}` : `link set dev ${tap} down`], {
    force: true,
  })
}

/**
 * Finishes a change of a port before its mark is removed: ends flows that the port does not allow any more, and tells
 * the DHCP server. `known`: the record before the change.
 */
export async function finishPort(
  op: Op,
  plane: Plane,
  port: Wish,
  known: Entry<PortSpec> | undefined,
): Promise<void> {
  const again = known !== undefined && !isWhole(known)
  if (again || (known && !covers(port.entry.spec, known.spec))) await cutForbidden(op, plane, port)
  await refreshLeases(plane, port.network.spec, { again })
  await plane.state.ports.finish(port.entry)
}

/** Ends flows that the port's present rules do not allow, and all flows of addresses that the port has lost. */
async function cutForbidden(op: Op, plane: Plane, { entry, network }: Wish): Promise<void> {
  const { spec } = entry
  const own = new Set(addressesOf(entry))
  const kept = new Set(spec.addresses.map((address) => address.ip))
  const members = membersIn(plane)
  const cut = await cutFlows(op, plane, network.slot, [...own], (flow) => {
    const lost = [flow.source, flow.target].some((address) => own.has(address) && !kept.has(address))
    return !lost && allows(spec, flow, members)
  })
  if (cut > 0) op.log.info({ portId: spec.id, cut }, 'ended flows that the port no longer allows')
}

const addressesOf = ({ spec, pending }: Entry<PortSpec>): string[] => [
  ...new Set([...spec.addresses.map((address) => address.ip), ...(pending?.addresses ?? [])]),
]

const membersIn = (plane: Plane): Members => {
  const read = new Map<string, ReadonlySet<string>>()
  return (id) => {
    const known = read.get(id) ?? new Set(plane.state.sets.entries.get(id)?.spec.addresses ?? [])
    read.set(id, known)
    return known
  }
}

/** Writes an address set and, when the set has lost a member, ends the flows that the member was allowed. */
export async function ensureSetParts(
  op: Op,
  plane: Plane,
  { spec, pending }: Entry<AddressSetSpec>,
  kernel: Kernel,
): Promise<void> {
  const filter = addressSetFilter(spec.id, membersOf(spec.addresses))
  if (await kernel.rules.difference(op, filter)) await kernel.rules.apply(op, filter)
  if (!pending) return
  const named = [...plane.state.ports.entries.values()].filter((port) => namesSet(port.spec, spec.id))
  await cutForbiddenOf(op, plane, named)
}

/** The IPv4 members of an address set: no other packets can pass a port. */
function membersOf(addresses: readonly string[]): string[] {
  return [...new Set(addresses.filter((address) => !address.includes(':')))]
}

/** Does the work of cutForbidden for many ports: it reads the flows of each network once and judges each flow. */
async function cutForbiddenOf(op: Op, plane: Plane, ports: readonly Entry<PortSpec>[]): Promise<void> {
  const members = membersIn(plane)
  for (const [networkId, list] of Map.groupBy(ports, ({ spec }) => spec.networkId)) {
    const network = plane.state.networks.entries.get(networkId)
    if (!network) continue
    const portOf = new Map(list.flatMap(({ spec }) => spec.addresses.map(({ ip }) => [ip, spec] as const)))
    const cut = await cutFlows(op, plane, network.slot, [...portOf.keys()], (flow) =>
      [flow.source, flow.target].every((address) => {
        const spec = portOf.get(address)
        return !spec || allows(spec, flow, members)
      }),
    )
    if (cut > 0) op.log.info({ networkId, cut }, 'ended flows that the ports no longer allow')
  }
}

/** Removes all parts of a port, found by its record or (after a crash) in the kernel. */
export async function removePortParts(
  op: Op,
  plane: Plane,
  id: string,
  entry: Entry<PortSpec> | null,
  kernel: Kernel,
): Promise<void> {
  const network = entry && plane.state.networks.entries.get(entry.spec.networkId)
  if (!entry || !network) return detachOrphan(op, plane, id, kernel)
  await detachPort(op, plane, { entry, network }, kernel)
  await refreshLeases(plane, network.spec, { again: true })
}

/** Removes link, filter and flows of a port, so that the next owner of its address inherits none of them. */
async function detachPort(op: Op, plane: Plane, { entry, network }: Wish, kernel: Kernel): Promise<void> {
  const { spec, slot } = entry
  const tap = tapName(plane.place, spec.tag)
  if (kernel.links.has(tap)) await ipBatch(op, plane.namespace, [`link delete dev ${tap}`])
  await kernel.rules.remove(op, portFilter(spec, tap, slot, network.spec.tag))
  await endFlows(op, plane, network.slot, addressesOf(entry))
}

/** Removes a tap of ours that has no record (after a crash between making and recording). */
async function detachOrphan(op: Op, plane: Plane, id: string, kernel: Kernel): Promise<void> {
  for (const link of kernel.links.values()) {
    const [kind, owner, slot] = link.alias.split(' ')
    if (kind !== 'port' || owner !== id) continue
    const tag = Number.parseInt(link.name.slice(tapName(plane.place, 0).length - 1), 36)
    if (!Number.isSafeInteger(tag)) throw new DriverError('failed', `Link ${link.name} has no name of ours.`)
    await ipBatch(op, plane.namespace, [`link delete dev ${link.name}`])
    const nobody = { id, tag, rules: [], addresses: [], mac: '02:00:00:00:00:00', portSecurity: true }
    await kernel.rules.remove(op, portFilter({ ...blank, ...nobody }, link.name, Number(slot), 1))
  }
}

const blank = { networkId: '', mtu: 1500, hostname: '', instanceId: '', projectId: '', adminUp: false }
