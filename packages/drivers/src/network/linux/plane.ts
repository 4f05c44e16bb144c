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

/** What every part of this driver works on. */
export type Plane = {
  readonly place: Place
  /** The data-plane namespace. */
  readonly namespace: string
  readonly state: State
  readonly egress: 'on' | 'off'
  /** What the operator keeps guests from, and the name servers that they may ask all the same. */
  readonly deny: GuestDeny
  readonly nameServers: readonly string[]
  /** The same with what the machine is connected to, as last read; null: not yet. */
  guard: Guard | null
  /** Where the far end of the uplink goes; undefined: the machine's own namespace. */
  readonly machineNamespace: string | undefined
  /** Called when a metadata namespace has come, gone or been made anew. */
  readonly metadataChanged: () => void
  /** For how long what was read of the kernel is taken as it was, when nothing was changed since; milliseconds. */
  readonly snapshotMs: number
  snapshot: { kernel: Kernel; changes: ReturnType<typeof changesSoFar>; at: number } | null
  /** Size of our rules when they were last read whole. */
  rulesBytes: number
  /** Rules of more bytes are read by pieces. */
  readonly wholeBytes: number
  /** When the base rules were last seen as they should be. */
  baseSeenAt: number
}

/** On a host with many ports the base rules, which nobody but us has reason to touch, are compared so often. */
const baseMs = 10_000

/**
 * What the kernel says, at most `snapshotMs` old: a launch makes six changes in a row, and most of
 * them find everything as it should be. Whatever we change ourselves makes it old at once.
 */
async function recentKernel(op: Op, plane: Plane): Promise<Kernel> {
  const { snapshot } = plane
  const [changes, at] = [changesSoFar(), performance.now()]
  if (snapshot && at - snapshot.at < plane.snapshotMs) {
    const { kernel, changes: before } = snapshot
    // Rules that were changed through it are in it.
    if (before.links === changes.links && before.rules + kernel.rules.changes === changes.rules) return kernel
  }
  const kernel = await readKernel(op, plane.namespace, isLarge(plane))
  noteSize(plane, kernel)
  plane.snapshot = { kernel, changes, at }
  return kernel
}

const isLarge = ({ rulesBytes, wholeBytes }: Plane): boolean => rulesBytes > wholeBytes

/** Of a host with many ports the next change reads only what it is about. */
export function noteSize(plane: Plane, { rules }: Kernel): void {
  if (rules.bytes > 0) plane.rulesBytes = rules.bytes
}

/** Data-plane namespace and base chains exist. Null when nothing had to be mended, else what was wrong. */
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
