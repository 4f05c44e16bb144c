import { type Need, type PlacementHost, withTaken } from '../../hosts/service.ts'
import { type Amounts, diskText, memoryText, partText, vcpuText } from '../../kernel/amounts.ts'
import type { HostVerdict, PlacementView } from '../../kernel/contract.ts'

export type { Need }
/** A host as the scheduler sees it. Units: whole vCPUs, MiB, GiB. */
export type Candidate = PlacementHost
type Check = HostVerdict['checks'][number]
/** A check of a host. `tell` explains in words the decision of `ok`; a thousand hosts are judged, and few are shown. */
export type Filter = {
  check: string
  ok(host: Candidate, need: Need): boolean
  tell(host: Candidate, need: Need): { need: string; have: string; why: string }
}
/** Weighs a host between 0 and 1; higher is better. */
export type Weigher = (host: Candidate, need: Need) => number

export const amounts = ['vcpus', 'memoryMib', 'diskGib'] as const
type Amount = (typeof amounts)[number]
const words: Record<Amount, { check: string; text: Amounts }> = {
  vcpus: { check: 'vCPUs', text: vcpuText },
  memoryMib: { check: 'Memory', text: memoryText },
  diskGib: { check: 'Disk', text: diskText },
}
export const freeOf = (host: Candidate, amount: Amount): number => host[amount].total - host[amount].used

const silence: Readonly<Record<string, string>> = {
  suspect: 'The host has not answered for some seconds.',
  fenced: 'An administrator has declared that the host is off.',
}
const answers: Filter = {
  check: 'Answers',
  ok: (host) => host.state === 'up',
  tell: ({ state }) => ({ need: 'up', have: state, why: silence[state] ?? 'The host does not answer.' }),
}
const accepts: Filter = {
  check: 'Accepts instances',
  ok: (host) => host.enabled,
  tell: ({ enabled, disabledReason }) => ({
    need: 'enabled',
    have: enabled ? 'enabled' : 'disabled',
    why: `An administrator has disabled the host${disabledReason ? `: ${disabledReason}` : ''}.`,
  }),
}
const room = (amount: Amount): Filter => {
  const { check, text } = words[amount]
  return {
    check,
    ok: (host, need) => need[amount] <= freeOf(host, amount),
    tell(host, need) {
      const free = freeOf(host, amount)
      const { used, total } = host[amount]
      return {
        need: text(need[amount]),
        have: text(Math.max(free, 0)),
        why:
          need[amount] > total
            ? `${text(need[amount] - total)} short: the whole host has ${text(total)}.`
            : `${text(need[amount] - free)} short: ${partText(used, total, text)} are taken.`,
      }
    },
  }
}
export const filters: readonly Filter[] = [
  answers,
  accepts,
  room('vcpus'),
  room('memoryMib'),
  room('diskGib'),
]

/** Spreads instances: the host that keeps the largest share free wins; memory counts most, disk least. */
const keepsFree =
  (amount: Amount): Weigher =>
  (host, need) =>
    host[amount].total > 0 ? Math.max(0, freeOf(host, amount) - need[amount]) / host[amount].total : 0
export const weighers: readonly { weigh: Weigher; factor: number }[] = [
  { weigh: keepsFree('memoryMib'), factor: 2 },
  { weigh: keepsFree('vcpus'), factor: 1 },
  { weigh: keepsFree('diskGib'), factor: 0.5 },
]

const filtersFor = (rule: GroupRule | null): readonly Filter[] =>
  rule && isStrict(rule) ? [...filters, groupFilter(rule)] : filters

/** Applies every filter to one host. The verdict has real names: mask them with `maskVerdicts` for tenants. */
export function judgeHost(host: Candidate, need: Need, rule: GroupRule | null = null): HostVerdict {
  const checks = filtersFor(rule).map((filter): Check => {
    const ok = filter.ok(host, need)
    const { why, ...words } = filter.tell(host, need)
    return { check: filter.check, ok, ...words, reason: ok ? null : why }
  })
  return { hostId: host.id, host: host.name, fits: checks.every((check) => check.ok), checks }
}

/** The weight in steps of 2 %: hosts that differ by less are equally good. */
const weight = (host: Candidate, need: Need) =>
  Math.round(weighers.reduce((sum, { weigh, factor }) => sum + factor * weigh(host, need), 0) * 50)

/** Decides which of two equally good hosts comes first. */
export type Ties = (a: Candidate, b: Candidate) => number
export const byId: Ties = (a, b) => (a.id < b.id ? -1 : 1)

/**
 * Returns another order each time: launches at the same moment see the same hosts, and would otherwise all wait for the
 * row of the same best host.
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

export const fits = (host: Candidate, need: Need): boolean => filters.every((filter) => filter.ok(host, need))

/** Returns the hosts that fit one instance, best first. */
export function rank(hosts: readonly Candidate[], need: Need, ties: Ties = byId): Candidate[] {
  return hosts
    .filter((host) => fits(host, need))
    .map((host) => ({ host, score: weight(host, need) }))
    .sort((a, b) => b.score - a.score || ties(a.host, b.host))
    .map(({ host }) => host)
}

export type Placement = {
  /** Hosts in the order of the instances; shorter than asked for when the cloud is full. */
  hosts: { id: string; zone: string }[]
  /** How the hosts were judged for the first instance, or for the first that found no place. */
  judged: PlacementView
}

/** Where the members of a server group are, and what the group's policy requires for the next member. */
export type GroupRule = {
  policy: 'affinity' | 'anti-affinity' | 'soft-affinity' | 'soft-anti-affinity'
  /** With anti-affinity: how many members may share a host. */
  maxPerHost: number
  /** Members by host. */
  members: ReadonlyMap<string, number>
}
/** Whether the policy is binding; the soft policies only prefer hosts. */
const isStrict = ({ policy }: GroupRule) => policy === 'affinity' || policy === 'anti-affinity'

/** The filter that says whether another member may be placed on a host. */
function groupFilter(rule: GroupRule): Filter {
  const here = (host: Candidate) => rule.members.get(host.id) ?? 0
  const together = rule.policy === 'affinity'
  return {
    check: 'Server group',
    ok: (host) => (together ? rule.members.size === 0 || here(host) > 0 : here(host) < rule.maxPerHost),
    tell: (host) => ({
      need: rule.policy,
      have: here(host) === 1 ? '1 member' : `${here(host)} members`,
      why: together
        ? 'The group keeps its members together, on another host.'
        : 'The group keeps its members apart, and enough of them are here.',
    }),
  }
}

/** The preference of a soft policy for a host; a host with a larger number goes first. */
function preference(host: Candidate, rule: GroupRule | null): number {
  const here = rule?.members.get(host.id) ?? 0
  if (rule?.policy === 'soft-affinity') return here
  return rule?.policy === 'soft-anti-affinity' ? -here : 0
}

function withMember(rule: GroupRule | null, hostId: string): GroupRule | null {
  return rule && { ...rule, members: new Map(rule.members).set(hostId, (rule.members.get(hostId) ?? 0) + 1) }
}

/** Places `count` equal instances one after the other; each claim changes the hosts that the next instance sees. */
export function place(
  hosts: readonly Candidate[],
  need: Need,
  count: number,
  ties: Ties = byId,
  group: GroupRule | null = null,
): Placement {
  const open = new Map<string, Scored>()
  for (const host of hosts) if (fits(host, need)) open.set(host.id, scored(host, need))
  let rule = group
  const chosen: Candidate[] = []
  while (chosen.length < count) {
    const best = bestOf(open.values(), need, rule, ties)
    if (!best) break
    chosen.push(best)
    rule = withMember(rule, best.id)
    const after = withTaken(best, need)
    if (fits(after, need)) open.set(best.id, scored(after, need))
    else open.delete(best.id)
  }
  const ids = chosen.map(({ id }) => id)
  const judged =
    chosen.length === count
      ? judgeAll(hosts, need, group, new Set(ids))
      : judgeAll(afterwards(hosts, need, ids), need, rule, new Set(ids))
  return { hosts: chosen.map(({ id, zone }) => ({ id, zone })), judged }
}

type Scored = { host: Candidate; score: number }
const scored = (host: Candidate, need: Need): Scored => ({ host, score: weight(host, need) })

function bestOf(
  open: Iterable<Scored>,
  need: Need,
  rule: GroupRule | null,
  ties: Ties,
): Candidate | undefined {
  const group = rule && isStrict(rule) ? groupFilter(rule) : null
  let best: Scored | undefined
  for (const one of open) {
    if (group && !group.ok(one.host, need)) continue
    if (!best || before(one, best, rule, ties)) best = one
  }
  return best?.host
}

function before(a: Scored, b: Scored, rule: GroupRule | null, ties: Ties): boolean {
  const preferred = preference(a.host, rule) - preference(b.host, rule)
  if (preferred !== 0) return preferred > 0
  return a.score === b.score ? ties(a.host, b.host) < 0 : a.score > b.score
}

/** Returns the hosts as they are with the placed instances on them. */
function afterwards(hosts: readonly Candidate[], need: Need, ids: readonly string[]): Candidate[] {
  const claims = new Map<string, number>()
  for (const id of ids) claims.set(id, (claims.get(id) ?? 0) + 1)
  return hosts.map((host) => {
    const n = claims.get(host.id) ?? 0
    const all = { vcpus: need.vcpus * n, memoryMib: need.memoryMib * n, diskGib: need.diskGib * n }
    return n === 0 ? host : withTaken(host, all)
  })
}

/** Most hosts that are shown one by one; the others are only counted. */
const mostShown = 50

function judgeAll(
  hosts: readonly Candidate[],
  need: Need,
  rule: GroupRule | null,
  chosen: ReadonlySet<string>,
): PlacementView {
  const checks = filtersFor(rule)
  const refusals = new Map<string, number>()
  const ranks = hosts.map((host) => {
    const refusal = checks.find((filter) => !filter.ok(host, need))?.check
    if (refusal) refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1)
    return chosen.has(host.id) ? 0 : refusal ? 1 : 2
  })
  const order = hosts.map((host, index) => ({ host, rank: ranks[index] ?? 2 }))
  const shown = hosts.length <= mostShown ? order : order.sort((a, b) => a.rank - b.rank)
  const refused = [...refusals].map(([check, count]) => ({ check, hosts: count }))
  return {
    total: hosts.length,
    fit: hosts.length - refused.reduce((sum, one) => sum + one.hosts, 0),
    refused: refused.sort((a, b) => b.hosts - a.hosts),
    verdicts: shown.slice(0, mostShown).map(({ host }) => judgeHost(host, need, rule)),
  }
}

const mostKept = 20

/**
 * Returns the part of the verdicts that the history keeps: the chosen host, then those that refused, then others, 20 in
 * all. On a cloud of a thousand hosts each launch would otherwise write half a megabyte.
 */
export function placementToKeep(judged: PlacementView, chosenId: string): PlacementView {
  const order = (verdict: HostVerdict) => (verdict.hostId === chosenId ? 0 : verdict.fits ? 2 : 1)
  const verdicts = [...judged.verdicts].sort((a, b) => order(a) - order(b)).slice(0, mostKept)
  return { ...judged, verdicts }
}
