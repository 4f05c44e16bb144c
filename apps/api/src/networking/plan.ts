import { whyClosed } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { projectOf } from '../kernel/context.ts'
import type { ErrorCode } from '../kernel/contract.ts'
import type { QuotaDelta } from '../kernel/quota.ts'
import { rulePresets } from './contract.ts'
import { guestAddresses } from './ipv4.ts'
import { listedNetworks, type NetworkRow } from './networks/load.ts'
import { usedAddresses } from './networks/view.ts'
import { ruleOpens } from './reach.ts'

export type NetworkWish = {
  count: number
  networkIds: readonly string[]
  securityGroupIds: readonly string[]
  openPresets: readonly string[]
  publicIp: boolean
  /** `networkIds` is all that is wanted: an empty list means no network at all. */
  exactly?: boolean
}
export type NetworkPlan = {
  /** In the order of the wish; the project's only network when none was named. */
  rows: NetworkRow[]
  networks: { id: string; name: string; cidr: string | null; routed: boolean }[]
  adds: QuotaDelta
  problems: { code: ErrorCode; field: string | null; message: string }[]
  reach: { what: string; ok: boolean; reason: string | null }[]
}

/** Would this launch have addresses, and who could reach it? Reads only, ten queries. */
export async function planNetworks(ctx: Ctx, wish: NetworkWish): Promise<NetworkPlan> {
  const projectId = projectOf(ctx)
  const memberView = { ...ctx, roles: new Set(['member', 'reader']) }
  const usable = await ctx.db.network.findMany({
    where: {
      AND: [
        await listedNetworks(memberView),
        { external: false, state: 'active' },
        wish.networkIds.length > 0 ? { id: { in: [...wish.networkIds] } } : {},
      ],
    },
    include: { subnets: { orderBy: { createdAt: 'asc' } } },
    take: wish.networkIds.length > 0 ? undefined : 2,
  })
  const rows =
    wish.networkIds.length > 0
      ? wish.networkIds.flatMap((id) => usable.find((row) => row.id === id) ?? [])
      : usable.length === 1 && !wish.exactly
        ? usable
        : []
  const [usedBy, routers, groups, external, closed] = await Promise.all([
    usedAddresses(
      ctx,
      rows.flatMap((row) => row.subnets.map((s) => s.id)),
    ),
    routedNetworks(
      ctx,
      rows.map((row) => row.id),
    ),
    ctx.db.securityGroup.findMany({
      where: {
        projectId,
        ...(wish.securityGroupIds.length > 0
          ? { id: { in: [...wish.securityGroupIds] } }
          : { isDefault: true }),
      },
      include: { rules: true },
    }),
    wish.publicIp
      ? ctx.db.network.findFirst({ where: { external: true, state: 'active' }, select: { id: true } })
      : null,
    wish.publicIp ? whyClosed(ctx, null) : null,
  ])
  const first = rows[0]
  const routed = first ? routers.has(first.id) : false
  const rules = groups.flatMap((group) =>
    group.rules.filter(
      (rule) => rule.direction === 'ingress' && rule.ethertype === 'IPv4' && !rule.remoteGroupId,
    ),
  )
  return {
    rows,
    networks: rows.map((row) => ({
      id: row.id,
      name: row.name,
      cidr: row.subnets[0]?.cidr ?? null,
      routed: routers.has(row.id),
    })),
    adds: { ports: rows.length * wish.count, ...(wish.publicIp ? { floatingIps: wish.count } : {}) },
    problems: problemsOf(wish, {
      rows,
      usable,
      usedBy,
      routed,
      hasExternal: external !== null,
      groupsFound: groups.map((group) => group.id),
    }),
    reach: reachOf(wish, rules, { routed, closed: closed !== null }),
  }
}

type Facts = {
  rows: NetworkRow[]
  usable: NetworkRow[]
  usedBy: Map<string, number>
  routed: boolean
  hasExternal: boolean
  groupsFound: string[]
}

function problemsOf(wish: NetworkWish, facts: Facts): NetworkPlan['problems'] {
  const problems: NetworkPlan['problems'] = []
  const add = (code: ErrorCode, field: string, message: string) => problems.push({ code, field, message })
  if (wish.networkIds.length === 0 && facts.rows.length === 0 && !wish.exactly)
    add(
      'invalid_input',
      'networkIds',
      facts.usable.length === 0
        ? 'This project has no network yet. Make a starter network with one click.'
        : 'There is more than one network. Choose at least one.',
    )
  if (facts.rows.length < wish.networkIds.length)
    add('not_found', 'networkIds', 'One of the networks does not exist (any more). Choose another.')
  for (const row of facts.rows) {
    const subnet = row.subnets[0]
    if (!subnet) {
      add(
        'conflict',
        'networkIds',
        `Network “${row.name}” has no subnet, so it has no addresses to give. Add a subnet.`,
      )
      continue
    }
    if (guestAddresses(subnet) - (facts.usedBy.get(subnet.id) ?? 0) < wish.count)
      add(
        'conflict',
        'networkIds',
        `Network “${row.name}” has too few free addresses. Choose another network.`,
      )
  }
  for (const id of wish.securityGroupIds)
    if (!facts.groupsFound.includes(id))
      add(
        'not_found',
        'securityGroupIds',
        'One of the security groups does not exist (any more). Choose another.',
      )
  if (wish.publicIp && !facts.hasExternal)
    add('conflict', 'publicIp', 'This cloud has no external network, so there are no public addresses.')
  if (wish.publicIp && facts.hasExternal && facts.rows.length > 0 && !facts.routed)
    add(
      'conflict',
      'publicIp',
      `Network “${facts.rows[0]?.name}” has no router with a way out, so a public address could not reach it. Attach a router, or switch the public IP off.`,
    )
  return problems
}

function reachOf(
  wish: NetworkWish,
  rules: {
    protocol: string | null
    portMin: number | null
    portMax: number | null
    remoteCidr: string | null
  }[],
  { routed, closed }: { routed: boolean; closed: boolean },
): NetworkPlan['reach'] {
  return rulePresets
    .filter((preset) => preset.key !== 'rdp' || wish.openPresets.includes('rdp'))
    .map((preset) => {
      const open =
        wish.openPresets.includes(preset.key) ||
        rules.some((rule) =>
          ruleOpens(rule, { protocol: preset.protocol, port: preset.portMin ?? undefined }),
        )
      const what = `internet → ${preset.portMin ? `${preset.portMin}/${preset.protocol}` : 'ping'}`
      if (!wish.publicIp) return { what, ok: false, reason: 'No public IP was asked for.' }
      if (closed) return { what, ok: false, reason: 'This cloud is closed to the outside.' }
      if (!routed) return { what, ok: false, reason: 'The network has no router with a way out.' }
      return { what, ok: open, reason: open ? null : `No rule lets ${preset.label} in.` }
    })
}

/** Those of `ids` from which a router with a gateway leads out. */
async function routedNetworks(ctx: Ctx, ids: readonly string[]): Promise<Set<string>> {
  const interfaces = await ctx.db.port.findMany({
    where: { networkId: { in: [...ids] }, deviceOwner: 'network:router_interface' },
    select: { networkId: true, deviceId: true },
  })
  const routers = await ctx.db.router.findMany({
    where: { id: { in: interfaces.map((i) => i.deviceId) }, externalNetworkId: { not: null } },
    select: { id: true },
  })
  const leading = new Set(routers.map((router) => router.id))
  return new Set(interfaces.filter((i) => leading.has(i.deviceId)).map((i) => i.networkId))
}
