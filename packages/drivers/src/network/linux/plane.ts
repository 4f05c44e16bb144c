import type { Op } from '../../op.ts'
import type { NetworkSpec } from '../interface.ts'
import { changesSoFar } from './exec.ts'
import { skeleton } from './filter.ts'
import { type Guard, type GuestDeny, planeFilter } from './guard.ts'
import { type Kernel, readKernel } from './kernel.ts'
import { bridgeName, type Place } from './names.ts'
import { dataPlaneSysctls, ensureNamespace, namespaceExists, requireKernel } from './namespace.ts'
import type { State } from './state.ts'
import { readGuard } from './uplink.ts'

/** The state that all parts of this driver share. */
export type Plane = {
  readonly place: Place
  /** The data-plane namespace. */
  readonly namespace: string
  readonly state: State
  readonly egress: 'on' | 'off'
  /** The operator's setting of denied destinations, and the name servers that guests may use in spite of it. */
  readonly deny: GuestDeny
  readonly nameServers: readonly string[]
  /** The guard computed from the setting and the machine's networks, as last read; null before the first reading. */
  guard: Guard | null
  /** The namespace of the far end of the uplink; undefined: the machine's own. */
  readonly machineNamespace: string | undefined
  /** Tells listeners that a metadata namespace has come, gone or been made anew. */
  readonly metadataChanged: () => void
  /** How long a snapshot of the kernel is used when we changed nothing since, in milliseconds. */
  readonly snapshotMs: number
  snapshot: { kernel: Kernel; changes: ReturnType<typeof changesSoFar>; at: number } | null
  /** The size of our ruleset in bytes, when it was last read whole. */
  rulesBytes: number
  /** A ruleset of more bytes is read by pieces. */
  readonly wholeBytes: number
  /** When the base rules were last found right, in the time of performance.now(). */
  baseSeenAt: number
}

/** How often the base rules are compared on a host with many ports, in ms; nobody but us has a reason to change them. */
const baseMs = 10_000

/**
 * The state of the kernel, at most `snapshotMs` old: a launch makes six changes in a row, and most of
 * them find everything right. Any change of our own makes the snapshot invalid at once.
 */
async function recentKernel(op: Op, plane: Plane): Promise<Kernel> {
  const { snapshot } = plane
  const [changes, at] = [changesSoFar(), performance.now()]
  if (snapshot && at - snapshot.at < plane.snapshotMs) {
    const { kernel, changes: before } = snapshot
    // The snapshot contains the changes of rules that were made through it.
    if (before.links === changes.links && before.rules + kernel.rules.changes === changes.rules) return kernel
  }
  const kernel = await readKernel(op, plane.namespace, isLarge(plane))
  noteSize(plane, kernel)
  plane.snapshot = { kernel, changes, at }
  return kernel
}

const isLarge = ({ rulesBytes, wholeBytes }: Plane): boolean => rulesBytes > wholeBytes

/** Records the size of the ruleset: on a host with many ports the next change reads only the rules that it concerns. */
export function noteSize(plane: Plane, { rules }: Kernel): void {
  if (rules.bytes > 0) plane.rulesBytes = rules.bytes
}

/** Makes sure that the data-plane namespace and the base chains exist. `mended` says what was wrong; null when nothing was. */
export async function ensurePlane(op: Op, plane: Plane): Promise<{ kernel: Kernel; mended: string | null }> {
  let mended: string | null = null
  if (!namespaceExists(plane.namespace)) {
    plane.snapshot = null
    await requireKernel(op)
    await ensureNamespace(op, plane.namespace, dataPlaneSysctls)
    mended = 'the namespace was missing'
  }
  plane.guard ??= await readGuard(op, plane)
  const kernel = await recentKernel(op, plane)
  if (mended === null && isLarge(plane) && performance.now() - plane.baseSeenAt < baseMs)
    return { kernel, mended }
  const base = skeleton(planeFilter(plane.guard, plane.egress))
  const wrong = await kernel.rules.difference(op, base)
  if (wrong !== null) await kernel.rules.apply(op, base)
  plane.baseSeenAt = performance.now()
  return { kernel, mended: mended ?? wrong }
}

export function bridgeOf(plane: Plane, network: NetworkSpec): string {
  return bridgeName(plane.place, network.tag)
}
