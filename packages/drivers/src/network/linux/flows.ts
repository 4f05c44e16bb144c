import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Op } from '../../op.ts'
import type { FilterRule, PortSpec } from '../interface.ts'
import { contains } from '../ipv4.ts'
import { deleteFlows, everyFlow, type Flow, readFlows, type Which, zoneWords } from './conntrack.ts'
import { run } from './exec.ts'
import type { Plane } from './plane.ts'

/** Returns the members of an address set. */
export type Members = (setId: string) => ReadonlySet<string>

/** True when the nft rules of the port would allow this existing flow if it began now. */
export function allows(spec: PortSpec, flow: Flow, members: Members): boolean {
  if (!spec.portSecurity) return true
  const own = new Set(spec.addresses.map((address) => address.ip))
  if (own.has(flow.source) && !permitted(spec, 'egress', flow.target, flow, members)) return false
  return !own.has(flow.target) || permitted(spec, 'ingress', flow.source, flow, members)
}

function permitted(
  spec: PortSpec,
  direction: FilterRule['direction'],
  peer: string,
  flow: Flow,
  members: Members,
): boolean {
  if (direction === 'egress' && flow.protocol === 17 && flow.sourcePort === 68 && flow.targetPort === 67)
    return true
  if (direction === 'egress' && peer === '169.254.169.254' && flow.protocol === 6 && flow.targetPort === 80)
    return true
  return spec.rules.some(
    (rule) =>
      rule.direction === direction &&
      rule.ethertype === 'IPv4' &&
      peerFits(rule, peer, members) &&
      kindFits(rule, flow),
  )
}

function peerFits(rule: FilterRule, peer: string, members: Members): boolean {
  if (rule.remote === null) return true
  return 'cidr' in rule.remote ? contains(rule.remote.cidr, peer) : members(rule.remote.addressSet).has(peer)
}

function kindFits(rule: FilterRule, flow: Flow): boolean {
  if (rule.protocol === null) return true
  if (rule.protocol !== flow.protocol) return false
  if (rule.portMin === null) return true
  if (rule.protocol === 1)
    return flow.icmpType === rule.portMin && (rule.portMax === null || flow.icmpCode === rule.portMax)
  return (
    flow.targetPort !== null &&
    flow.targetPort >= rule.portMin &&
    flow.targetPort <= (rule.portMax ?? rule.portMin)
  )
}

/**
 * Ends the flows of these addresses in a zone for which `keep` returns false; returns their number. Because tcp_loose
 * is off, no later packet of such a flow counts as the beginning of a new flow.
 */
export async function cutFlows(
  op: Op,
  plane: Plane,
  zone: number,
  addresses: readonly string[],
  keep: (flow: Flow) => boolean,
): Promise<number> {
  if (addresses.length === 0) return 0
  const which = { namespace: plane.namespace, zone }
  const doomed = (await listFlows(op, which, addresses)).filter((flow) => !keep(flow))
  await deleteFlows(op, which, doomed)
  return doomed.length
}

/** Ends all flows of these addresses in a zone, however many a guest has begun. */
export async function endFlows(
  op: Op,
  plane: Plane,
  zone: number,
  addresses: readonly string[],
): Promise<void> {
  if (addresses.length > askedOneByOne) await cutFlows(op, plane, zone, addresses, () => false)
  else await deleteAbout(op, plane, { namespace: plane.namespace, zone }, { addresses, ends: ['-s', '-d'] })
}

/** Ends the flows of a router's namespace that used these addresses, in both directions. */
export async function endRouted(
  op: Op,
  plane: Plane,
  namespace: string,
  addresses: readonly string[],
): Promise<void> {
  const which = { namespace }
  if (addresses.length <= askedOneByOne)
    return deleteAbout(op, plane, which, { addresses, ends: ['-d', '-q'] })
  const lost = new Set(addresses)
  const flows = await readFlows(op, which)
  await deleteFlows(
    op,
    which,
    flows.filter((flow) => lost.has(flow.target) || lost.has(flow.answersTo)),
  )
}

/** Up to so many addresses, conntrack is run for each address and prints only its flows; for more, the whole table is read once. */
const askedOneByOne = 4

/** Flows of these addresses in a zone, each once. */
async function listFlows(op: Op, which: Which, addresses: readonly string[]): Promise<Flow[]> {
  const own = new Set(addresses)
  if (own.size > askedOneByOne)
    return (await readFlows(op, which)).filter((flow) => own.has(flow.source) || own.has(flow.target))
  const asked = [...own].flatMap((address) => [
    readFlows(op, which, ['-s', address]),
    // A flow whose two ends are both in `own` is in the answer for its source already.
    readFlows(op, which, ['-d', address]).then((flows) => flows.filter((flow) => !own.has(flow.source))),
  ])
  return (await Promise.all(asked)).flat()
}

/**
 * Deletes all flows of these addresses. The kernel walks its table twice for each address, however many flows end.
 * One process runs all commands from a file, because conntrack cannot open the socket that Node makes of stdin.
 */
async function deleteAbout(
  op: Op,
  plane: Plane,
  which: Which,
  { addresses, ends }: { addresses: readonly string[]; ends: readonly string[] },
): Promise<void> {
  if (addresses.length === 0) return
  const lines = addresses.flatMap((address) =>
    ends.map((end) => ['-D', ...zoneWords(which), end, address].join(' ')),
  )
  const file = join(plane.state.dir, 'flows.tmp')
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  try {
    // Exit code 1: some flows had ended by themselves.
    await run(op, ['conntrack', '-R', file], {
      namespace: which.namespace,
      accept: [0, 1],
      maxOutputBytes: everyFlow,
    })
  } finally {
    await rm(file, { force: true })
  }
}
