import type { Need } from '../../hosts/service.ts'
import type { HostVerdict } from '../../kernel/contract.ts'

export type { Need }
/** One machine as the scheduler sees it (hostsForPlacement). Units: whole vCPUs, MiB, GiB. */
export type Candidate = {
  id: string
  name: string
  zone: string
  state: string
  enabled: boolean
  disabledReason: string | null
  vcpus: { used: number; total: number }
  memoryMib: { used: number; total: number }
  diskGib: { used: number; total: number }
}
type Check = HostVerdict['checks'][number]
export type Filter = (host: Candidate, need: Need) => Check
/** Higher is better; every weigher answers between 0 and 1. */
export type Weigher = (host: Candidate, need: Need) => number

export const amounts = ['vcpus', 'memoryMib', 'diskGib'] as const
type Amount = (typeof amounts)[number]
const units: Record<Amount, { check: string; unit: string }> = {
  vcpus: { check: 'vCPUs', unit: '' },
  memoryMib: { check: 'Memory', unit: ' MiB' },
  diskGib: { check: 'Disk', unit: ' GiB' },
}
export const freeOf = (host: Candidate, amount: Amount): number => host[amount].total - host[amount].used

const silence: Readonly<Record<string, string>> = {
  suspect: 'The host has not answered for some seconds.',
  fenced: 'An administrator has declared that the host is off.',
}
const answers: Filter = (host) => ({
  check: 'Answers',
  ok: host.state === 'up',
  need: 'up',
  have: host.state,
  reason: host.state === 'up' ? null : (silence[host.state] ?? 'The host does not answer.'),
})
const accepts: Filter = (host) => ({
  check: 'Accepts instances',
  ok: host.enabled,
  need: 'enabled',
  have: host.enabled ? 'enabled' : 'disabled',
  reason: host.enabled
    ? null
    : `An administrator has disabled the host${host.disabledReason ? `: ${host.disabledReason}` : ''}.`,
})
const room =
  (amount: Amount): Filter =>
  (host, need) => {
    const { check, unit } = units[amount]
    const free = freeOf(host, amount)
    const ok = need[amount] <= free
    return {
      check,
      ok,
      need: `${need[amount]}${unit}`,
      have: `${Math.max(free, 0)}${unit}`,
      reason: ok
        ? null
        : `${need[amount] - free}${unit} short: ${host[amount].used} of ${host[amount].total}${unit} are taken.`,
    }
  }
export const filters: readonly Filter[] = [
  answers,
  accepts,
  room('vcpus'),
  room('memoryMib'),
  room('diskGib'),
]

/** Spreads: the host that keeps the largest share free wins; memory counts most, disk least. */
const keepsFree =
  (amount: Amount): Weigher =>
  (host, need) =>
    host[amount].total > 0 ? Math.max(0, freeOf(host, amount) - need[amount]) / host[amount].total : 0
export const weighers: readonly { weigh: Weigher; factor: number }[] = [
  { weigh: keepsFree('memoryMib'), factor: 2 },
  { weigh: keepsFree('vcpus'), factor: 1 },
  { weigh: keepsFree('diskGib'), factor: 0.5 },
]

/** Every filter on one host. Real names: mask with `maskVerdicts` for tenants. */
export function judgeHost(host: Candidate, need: Need, rule: GroupRule | null = null): HostVerdict {
  const checks = [
    ...filters.map((filter) => filter(host, need)),
    (rule && groupCheck(host, rule)) ?? [],
  ].flat()
  return { hostId: host.id, host: host.name, fits: checks.every((check) => check.ok), checks }
}

/** In steps of 2 %: hosts that differ by less are equally good. */
const weight = (host: Candidate, need: Need) =>
  Math.round(weighers.reduce((sum, { weigh, factor }) => sum + factor * weigh(host, need), 0) * 50)

/** Which of two equally good hosts comes first. */
type Ties = (a: Candidate, b: Candidate) => number
const byId: Ties = (a, b) => (a.id < b.id ? -1 : 1)

/**
 * Another order each time: launches at the same moment see the same hosts, and all of them would
 * wait for the row of the same best one.
 */
export function shuffled(): Ties {
  const tickets = new Map<string, number>()
  const ticket = ({ id }: Candidate) => {
    const drawn = tickets.get(id) ?? Math.random()
    tickets.set(id, drawn)
    return drawn
  }
  return (a, b) => ticket(a) - ticket(b)
}

/** Hosts that fit one instance, best first. */
export function rank(hosts: readonly Candidate[], need: Need, ties: Ties = byId): Candidate[] {
  return hosts
    .filter((host) => filters.every((filter) => filter(host, need).ok))
    .map((host) => ({ host, score: weight(host, need) }))
    .sort((a, b) => b.score - a.score || ties(a.host, b.host))
    .map(({ host }) => host)
}

export type Placement = {
  /** Hosts in the order of the instances; shorter than asked for when the cloud is full. */
  hosts: { id: string; zone: string }[]
  /** How each host was judged for the first instance, or for the first that found no place. */
  verdicts: HostVerdict[]
}

/** Where the members of a server group are and what it asks of the next one. */
export type GroupRule = {
  policy: 'affinity' | 'anti-affinity' | 'soft-affinity' | 'soft-anti-affinity'
  /** With anti-affinity: how many members may share a host. */
  maxPerHost: number
  /** Members by host. */
  members: ReadonlyMap<string, number>
}

/** May a member go there? Null when the group does not mind. */
function groupCheck(host: Candidate, rule: GroupRule): Check | null {
  const here = rule.members.get(host.id) ?? 0
  const together = rule.policy === 'affinity'
  if (!together && rule.policy !== 'anti-affinity') return null
  const ok = together ? rule.members.size === 0 || here > 0 : here < rule.maxPerHost
  return {
    check: 'Server group',
    ok,
    need: rule.policy,
    have: `${here} members`,
    reason: ok
      ? null
      : together
        ? 'The group keeps its members together, on another host.'
        : 'The group keeps its members apart, and enough of them are here.',
  }
}

/** Soft policies only prefer: a larger number goes first. */
function preference(host: Candidate, rule: GroupRule | null): number {
  const here = rule?.members.get(host.id) ?? 0
  if (rule?.policy === 'soft-affinity') return here
  return rule?.policy === 'soft-anti-affinity' ? -here : 0
}

function withMember(rule: GroupRule | null, hostId: string): GroupRule | null {
  return rule && { ...rule, members: new Map(rule.members).set(hostId, (rule.members.get(hostId) ?? 0) + 1) }
}

/** Places `count` equal instances one after the other, each claim changing what the next one sees. */
export function place(
  hosts: readonly Candidate[],
  need: Need,
  count: number,
  ties: Ties = byId,
  group: GroupRule | null = null,
): Placement {
  let world = [...hosts]
  let rule = group
  const chosen: Placement['hosts'] = []
  const verdicts = () => world.map((host) => judgeHost(host, need, rule))
  const first = verdicts()
  for (let i = 0; i < count; i++) {
    const ranked = rank(world, need, ties).filter((host) => !rule || groupCheck(host, rule)?.ok !== false)
    const best = ranked.sort((a, b) => preference(b, rule) - preference(a, rule))[0]
    if (!best) return { hosts: chosen, verdicts: verdicts() }
    chosen.push({ id: best.id, zone: best.zone })
    rule = withMember(rule, best.id)
    world = world.map((host) => (host.id === best.id ? taken(host, need) : host))
  }
  return { hosts: chosen, verdicts: first }
}

const mostKept = 20

/**
 * What the history keeps of the answer: the chosen host, then those that refused, then others, 20
 * in all. On a cloud of a thousand hosts each launch would otherwise write half a megabyte.
 */
export function verdictsToKeep(verdicts: readonly HostVerdict[], chosenId: string): HostVerdict[] {
  const order = (verdict: HostVerdict) => (verdict.hostId === chosenId ? 0 : verdict.fits ? 2 : 1)
  return [...verdicts].sort((a, b) => order(a) - order(b)).slice(0, mostKept)
}

function taken(host: Candidate, need: Need): Candidate {
  const plus = (amount: Amount) => ({ used: host[amount].used + need[amount], total: host[amount].total })
  return { ...host, vcpus: plus('vcpus'), memoryMib: plus('memoryMib'), diskGib: plus('diskGib') }
}
