import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Op } from '../../op.ts'
import type { FilterRule, PortSpec } from '../interface.ts'
import { contains } from '../ipv4.ts'
import { run } from './exec.ts'
import type { Plane } from './plane.ts'

/** One conntrack entry as it was begun. For icmp, ports are null and type and code are set. */
export type Flow = {
  protocol: number
  source: string
  target: string
  sourcePort: number | null
  targetPort: number | null
  icmpType: number | null
  icmpCode: number | null
  icmpId: number | null
}

/** Members of address sets by id. */
export type Members = (setId: string) => ReadonlySet<string>

/** What the nft rules of a port decide about a new flow: the same question, asked about a flow that is there. */
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
 * Ends the flows of these addresses in a zone that `keep` does not want. With tcp_loose off, no later packet
 * of such a flow is taken for the beginning of a new one.
 */
export async function cutFlows(
  op: Op,
  plane: Plane,
  zone: number,
  addresses: readonly string[],
  keep: (flow: Flow) => boolean,
): Promise<number> {
  if (addresses.length === 0) return 0
  const own = new Set(addresses)
  const doomed = (await listFlows(op, plane, zone, [...own])).filter((flow) => !keep(flow))
  if (doomed.length === 0) return 0
  await deleteFlows(
    op,
    plane,
    plane.namespace,
    doomed.map((flow) => deleteLine(zone, flow)),
  )
  return doomed.length
}

/** Ends all flows of these addresses in a zone, however many a guest has begun. */
export async function endFlows(
  op: Op,
  plane: Plane,
  zone: number,
  addresses: readonly string[],
): Promise<void> {
  if (addresses.length === 0) return
  const lines = addresses.flatMap((address) => [`-D -w ${zone} -s ${address}`, `-D -w ${zone} -d ${address}`])
  await deleteFlows(op, plane, plane.namespace, lines)
}

/** For so many addresses conntrack is asked for each of them, which prints nothing of what others have; for more it is read once. */
const askedOneByOne = 4

/** Flows of these addresses in a zone, each once. */
async function listFlows(op: Op, plane: Plane, zone: number, addresses: readonly string[]): Promise<Flow[]> {
  const list = async (...about: readonly string[]) => {
    const argv = ['conntrack', '-L', '-w', String(zone), '-f', 'ipv4', ...about]
    return parseFlows((await run(op, argv, { namespace: plane.namespace, maxOutputBytes: everyFlow })).stdout)
  }
  const own = new Set(addresses)
  if (own.size > askedOneByOne)
    return (await list()).filter((flow) => own.has(flow.source) || own.has(flow.target))
  const asked = [...own].flatMap((address) => [
    list('-s', address),
    // What both ends have is in the first answer.
    list('-d', address).then((flows) => flows.filter((flow) => !own.has(flow.source))),
  ])
  return (await Promise.all(asked)).flat()
}

/** More than a whole table prints (262,144 flows of some 150 bytes). */
const everyFlow = 128 * 1024 * 1024

/** Many `conntrack -D` in one process. By a file, because it cannot open the socket that Node makes of stdin. */
export async function deleteFlows(
  op: Op,
  plane: Plane,
  namespace: string,
  lines: readonly string[],
): Promise<void> {
  const file = join(plane.state.dir, 'flows.tmp')
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  try {
    // 1: some of them had ended by themselves.
    await run(op, ['conntrack', '-R', file], { namespace, accept: [0, 1], maxOutputBytes: everyFlow })
  } finally {
    await rm(file, { force: true })
  }
}

function deleteLine(zone: number, flow: Flow): string {
  const words = ['-D', '-w', zone, '-s', flow.source, '-d', flow.target, '-p', flow.protocol]
  if (flow.sourcePort !== null) words.push('--sport', flow.sourcePort)
  if (flow.targetPort !== null) words.push('--dport', flow.targetPort)
  if (flow.icmpType !== null) words.push('--icmp-type', flow.icmpType)
  if (flow.icmpCode !== null) words.push('--icmp-code', flow.icmpCode)
  if (flow.icmpId !== null) words.push('--icmp-id', flow.icmpId)
  return words.join(' ')
}

/** Lines of `conntrack -L`: `tcp 6 431999 ESTABLISHED src=… dst=… sport=… dport=… src=… …`; the first of each is the original direction. */
export function parseFlows(text: string): Flow[] {
  return text.split('\n').flatMap((line) => {
    const protocol = /^\S+\s+(\d+)\s/.exec(line)?.[1]
    const first = (key: string) => new RegExp(`\\b${key}=(\\S+)`).exec(line)?.[1] ?? null
    const count = (key: string) => (first(key) === null ? null : Number(first(key)))
    const source = first('src')
    const target = first('dst')
    if (protocol === undefined || source === null || target === null) return []
    const [sourcePort, targetPort] = [count('sport'), count('dport')]
    const [icmpType, icmpCode, icmpId] = [count('type'), count('code'), count('id')]
    return [
      { protocol: Number(protocol), source, target, sourcePort, targetPort, icmpType, icmpCode, icmpId },
    ]
  })
}
