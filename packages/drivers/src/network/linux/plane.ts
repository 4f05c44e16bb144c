import type { Op } from '../../op.ts'
import type { NetworkSpec } from '../interface.ts'
import { changesSoFar } from './exec.ts'
import { skeleton } from './filter.ts'
import { difference, type Ruleset } from './fragment.ts'
import { type Guard, type GuestDeny, planeFilter } from './guard.ts'
import { applyFragment, type Kernel, readKernel } from './kernel.ts'
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
  /** Owner of the taps: the user that QEMU runs as. */
  readonly tapUid: number
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
  snapshot: { kernel: Kernel; changes: number; at: number } | null
}

/**
 * What the kernel says, at most `snapshotMs` old: a launch makes six changes in a row, and most of
 * them find everything as it should be. Whatever we change ourselves makes it old at once.
 */
async function recentKernel(op: Op, plane: Plane): Promise<Kernel> {
  const { snapshot } = plane
  const fresh = snapshot?.changes === changesSoFar() && performance.now() - snapshot.at < plane.snapshotMs
  if (snapshot && fresh) return snapshot.kernel
  const [changes, at] = [changesSoFar(), performance.now()]
  const kernel = await readKernel(op, plane.namespace)
  plane.snapshot = { kernel, changes, at }
  return kernel
}

/** After a change of rules alone that was read back: of what was read before it, the links are still good. */
export function rulesSeen(plane: Plane, before: Kernel, rules: Ruleset): void {
  if (plane.snapshot?.kernel === before)
    plane.snapshot = { ...plane.snapshot, kernel: { ...before, rules }, changes: changesSoFar() }
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
  const base = skeleton(planeFilter(plane.guard, plane.egress))
  const kernel = await recentKernel(op, plane)
  const wrong = difference(base, kernel.rules)
  if (wrong === null && mended === null) return { kernel, mended }
  await applyFragment(op, plane.namespace, base, kernel.rules)
  return { kernel: await readKernel(op, plane.namespace), mended: mended ?? wrong }
}

export function bridgeOf(plane: Plane, network: NetworkSpec): string {
  return bridgeName(plane.place, network.tag)
}
