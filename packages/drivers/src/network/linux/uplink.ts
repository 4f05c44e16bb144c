import { isDeepStrictEqual } from 'node:util'
import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import { ipBatch, nft, run } from './exec.ts'
import {
  endGlobalForwarding,
  remember,
  restoreForwarding,
  switchedBy,
  switchForwarding,
} from './forwarding.ts'
import {
  closed,
  type Guard,
  guardOf,
  machineEnd,
  machineFilter,
  planeEnd,
  planeFilter,
  waysOut,
} from './guard.ts'
import { readLinks } from './kernel.ts'
import { type Machine, readMachine } from './machine.ts'
import { machineTable, uplinkGroup, uplinkName, uplinkPeer } from './names.ts'
import type { Plane } from './plane.ts'
import { Rules } from './rules.ts'

/** Computes the destinations that guests of this host may not reach, from the machine's present networks. */
export async function readGuard(op: Op, plane: Plane): Promise<Guard> {
  if (plane.egress === 'off') return closed
  return guardOf(plane.deny, plane.nameServers, await readMachine(op, plane.machineNamespace))
}

/** The wish for the machine, computed from its present networks. */
type Wish = { guard: Guard; switched: string[]; machine: Machine }

async function wishOf(op: Op, plane: Plane): Promise<Wish> {
  const machine = await readMachine(op, plane.machineNamespace)
  const guard = guardOf(plane.deny, plane.nameServers, machine)
  return { guard, switched: switchedBy(plane.machineNamespace, machine, waysOut(guard, machine)), machine }
}

/**
 * Links the data plane to the machine: by a veth pair, a route to the floating range and a table of our own, which has
 * a masquerade rule and the rules that keep guests from the machine. The rules are written and read back before
 * the link is made.
 */
export async function ensureUplink(op: Op, plane: Plane, ranges: readonly string[]): Promise<void> {
  if (ranges.length === 0) return
  const uplink = uplinkName(plane.place)
  const machine = plane.machineNamespace
  if (await endGlobalForwarding(op, plane.state.dir, machine))
    op.log.warn('the machine is no router for its networks any more: only what guests need is forwarded')
  const wish = await wishOf(op, plane)
  refuseTakenRange(wish.machine, ranges, uplink)
  await guardPlane(op, plane, wish.guard)
  remember(machine, wish.switched)
  await guardMachine(op, plane, ranges, wish)
  await ensurePair(op, plane, uplink)
  await ipBatch(op, plane.namespace, [
    `address replace ${planeEnd}/32 dev ${uplinkPeer}`,
    `link set dev ${uplinkPeer} up`,
    `route replace default via ${machineEnd} dev ${uplinkPeer} onlink`,
  ])
  await ipBatch(op, machine, [
    `address replace ${machineEnd}/32 dev ${uplink}`,
    `link set dev ${uplink} up`,
    ...ranges.map((range) => `route replace ${range} via ${planeEnd} dev ${uplink} onlink`),
  ])
  await switchForwarding(op, machine, [uplink, ...wish.switched], 1)
}

async function ensurePair(op: Op, plane: Plane, uplink: string): Promise<void> {
  const machine = plane.machineNamespace
  if (!(await readLinks(op, machine)).has(uplink)) {
    const target = machine === undefined ? [] : ['netns', machine]
    const ours = ['peer', 'name', uplinkPeer, 'netns', plane.namespace]
    await run(op, ['ip', 'link', 'add', uplink, ...target, 'type', 'veth', ...ours])
  }
  await ipBatch(op, machine, [`link set dev ${uplink} group ${uplinkGroup}`])
  // -e, because a machine without IPv6 does not have this setting.
  await run(op, ['sysctl', '-e', '-q', '-w', `net/ipv6/conf/${uplink}/disable_ipv6=1`], {
    namespace: machine,
  })
}

async function guardPlane(op: Op, plane: Plane, guard: Guard): Promise<void> {
  const filter = planeFilter(guard, plane.egress)
  const rules = Rules.byPieces(plane.namespace)
  if (await rules.difference(op, filter)) await rules.apply(op, filter)
  plane.guard = guard
}

async function guardMachine(op: Op, plane: Plane, ranges: readonly string[], wish: Wish): Promise<void> {
  const filter = machineFilter(plane.place, ranges, wish.guard, wish.switched)
  const rules = await Rules.whole(op, plane.machineNamespace, filter.table)
  if (await rules.difference(op, filter)) await rules.apply(op, filter)
}

/**
 * Checks the machine again, because its networks change and other programs write rules and routes there. Mends
 * differences and returns a sentence about the first one; null when there was none.
 */
export async function keepUplink(op: Op, plane: Plane, ranges: readonly string[]): Promise<string | null> {
  if (plane.egress === 'off' || ranges.length === 0) return null
  const wrong = await uplinkDifference(op, plane, ranges)
  if (wrong !== null) await ensureUplink(op, plane, ranges)
  return wrong
}

async function uplinkDifference(op: Op, plane: Plane, ranges: readonly string[]): Promise<string | null> {
  const { guard, switched, machine } = await wishOf(op, plane)
  const uplink = uplinkName(plane.place)
  if (!isDeepStrictEqual(guard, plane.guard)) return 'the networks of the machine have changed'
  if (machine.forwarding.get(uplink) !== true) return 'the uplink is missing or does not forward'
  const deaf = switched.filter((name) => machine.forwarding.get(name) === false)
  if (deaf.length > 0) return `answers to guests are not forwarded from ${deaf.join(', ')}`
  const isReached = (range: string) =>
    machine.routes.some(({ to, devices }) => to === range && devices.includes(uplink))
  if (!ranges.every(isReached)) return 'the floating range has no route'
  const filter = machineFilter(plane.place, ranges, guard, switched)
  return (await Rules.whole(op, plane.machineNamespace, filter.table)).difference(op, filter)
}

function refuseTakenRange({ routes }: Machine, ranges: readonly string[], uplink: string): void {
  for (const { to, devices } of routes) {
    const [other] = devices.filter((device) => device !== uplink)
    if (other && ranges.includes(to))
      throw new DriverError(
        'conflict',
        `The floating range ${to} is already reached over ${other} on this machine: choose another range for this cloud (STRATOLITH_EXTERNAL_CIDR at its first start).`,
      )
  }
}

/** Removes our table and link from the machine, and restores forwarding unless another cloud still needs it. */
export async function removeUplink(op: Op, plane: Plane): Promise<void> {
  const { place, machineNamespace } = plane
  await removeFromMachine(
    op,
    machineNamespace,
    (link) => link === uplinkName(place),
    (table) => table === machineTable(place),
  )
}

/** Removes the links and tables for which the predicates are true; those of other clouds on the machine stay. */
export async function removeFromMachine(
  op: Op,
  namespace: string | undefined,
  isLink: (name: string) => boolean,
  isTable: (name: string) => boolean,
): Promise<void> {
  const links = [...(await readLinks(op, namespace)).keys()].filter(isLink)
  const lines = links.map((name) => `link delete dev ${name}`)
  await ipBatch(op, namespace, lines, { force: true })
  const tables = await machineTables(op, namespace)
  // Forwarding ends before the rules that keep other packets from being forwarded are removed.
  if (tables.every(isTable)) await restoreForwarding(op, namespace)
  for (const table of tables.filter(isTable)) await nft(op, namespace, `delete table inet ${table}\n`)
}

/** The names of the tables that all our clouds have on the machine. */
async function machineTables(op: Op, namespace: string | undefined): Promise<string[]> {
  const { stdout } = await run(op, ['nft', 'list', 'tables'], { namespace })
  return stdout.split('\n').flatMap((line) => line.match(/^table inet (stratolith_\w+)$/)?.[1] ?? [])
}
