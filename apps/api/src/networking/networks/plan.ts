import { Prisma } from '@stratolith/db'
import { type Ctx, projectOf } from '../../kernel/context.ts'
import type { ErrorCode } from '../../kernel/contract.ts'
import { type Fact, held } from '../../kernel/facts.ts'
import type { QuotaDelta } from '../../quota/service.ts'
import { rulePresets } from '../contract.ts'
import { guestAddresses } from '../ipv4.ts'
import { ruleOpens } from '../ports/reach.ts'
import type { PortNetwork } from './load.ts'

export type NetworkWish = {
  networkIds: readonly string[]
  securityGroupIds: readonly string[]
  openPresets: readonly string[]
  publicIp: boolean
  /** `networkIds` is the whole wish: an empty list means no network at all, not the project's only one. */
  exactly?: boolean
}
/**
 * A network as a launch needs it. `used` counts the addresses of a subnet that ports have, without those of routers.
 */
export type LaunchNetwork = Omit<PortNetwork, 'subnets'> & {
  routed: boolean
  subnets: (PortNetwork['subnets'][number] & { used: number })[]
}
type Rule = {
  protocol: string | null
  portMin: number | null
  portMax: number | null
  remoteCidr: string | null
}
export type NetworkFacts = {
  /**
   * The usable networks of the wish, in no order; when the wish names none, two at most of those that the project may
   * use.
   */
  usable: LaunchNetwork[]
  /**
   * The groups of the wish, or the project's default group, with the rules by which they let in traffic from outside.
   */
  groups: { id: string; rules: Rule[] }[]
  hasExternal: boolean
}
export type NetworkPlan = {
  /** In the order of the wish; the project's only network when the wish names none. */
  rows: LaunchNetwork[]
  networks: { id: string; name: string; cidr: string | null; routed: boolean }[]
  adds: QuotaDelta
  problems: { code: ErrorCode; field: string | null; message: string }[]
  reach: { what: string; ok: boolean; reason: string | null }[]
  groupIds: string[]
}

/**
 * Reads everything that a plan needs of the project's networks and groups. In a transaction they are locked until its
 * end: the deletion of a network that gets something new could never end.
 */
export function networkFacts(ctx: Ctx, wish: NetworkWish): Fact<NetworkFacts> {
  const projectId = projectOf(ctx)
  return {
    sql: Prisma.sql`SELECT jsonb_build_object(
      'usable', (SELECT COALESCE(jsonb_agg(${networkJson}), '[]') FROM (
        SELECT n."id", n."name", n."projectId", n."mtu", n."portSecurity" FROM "Network" n
        WHERE ${wishedNetworks(projectId, wish)} AND NOT n."external" AND n."state" = 'active'
        ORDER BY n."id" ${wish.networkIds.length > 0 ? Prisma.empty : Prisma.sql`LIMIT 2`} ${held(ctx, 'FOR KEY SHARE')}) n),
      'groups', (SELECT COALESCE(jsonb_agg(${groupJson}), '[]') FROM (
        SELECT g."id" FROM "SecurityGroup" g WHERE g."projectId" = ${projectId} AND ${wishedGroups(wish)}
        ORDER BY g."id" ${held(ctx, 'FOR KEY SHARE')}) g),
      'hasExternal', ${wish.publicIp}::boolean AND EXISTS (SELECT 1 FROM "Network" WHERE "external" AND "state" = 'active'))`,
    read: (value) => value as NetworkFacts,
  }
}

/**
 * A condition, written so that indexes answer it, for the networks on which a project may put instances: its own,
 * shared ones, and those that a policy offers to it.
 */
function wishedNetworks(projectId: string, { networkIds }: NetworkWish): Prisma.Sql {
  if (networkIds.length > 0)
    return Prisma.sql`n."id" = ANY(${[...networkIds]}::uuid[]) AND (n."projectId" = ${projectId} OR n."shared" OR n."id" IN (${offered(projectId)}))`
  return Prisma.sql`n."id" IN (SELECT "id" FROM "Network" WHERE "projectId" = ${projectId}
    UNION SELECT "id" FROM "Network" WHERE "shared" UNION ${offered(projectId)})`
}
const offered = (projectId: string) =>
  Prisma.sql`SELECT "objectId" FROM "RbacPolicy" WHERE "targetProject" = ${projectId}`
const wishedGroups = ({ securityGroupIds }: NetworkWish) =>
  securityGroupIds.length > 0
    ? Prisma.sql`g."id" = ANY(${[...securityGroupIds]}::uuid[])`
    : Prisma.sql`g."isDefault"`

const interfaces = Prisma.sql`"Port" p WHERE p."networkId" = n."id" AND p."deviceOwner" = 'network:router_interface'`
/** Routers' addresses are not counted as used: they are gateways, which guestAddresses leaves out already. */
const networkJson = Prisma.sql`jsonb_build_object('id', n."id", 'name', n."name", 'projectId', n."projectId", 'mtu', n."mtu",
  'portSecurity', n."portSecurity",
  'routed', EXISTS (SELECT 1 FROM "Router" r WHERE r."externalNetworkId" IS NOT NULL
    AND r."id" IN (SELECT p."deviceId"::uuid FROM ${interfaces})),
  'subnets', (SELECT COALESCE(jsonb_agg(to_jsonb(s) || jsonb_build_object('used',
      (SELECT count(*) FROM "PortAddress" a WHERE a."subnetId" = s."id")
      - (SELECT count(*) FROM "PortAddress" a WHERE a."subnetId" = s."id" AND a."portId" IN (SELECT p."id" FROM ${interfaces}))
    ) ORDER BY s."createdAt"), '[]') FROM "Subnet" s WHERE s."networkId" = n."id"))`
const groupJson = Prisma.sql`jsonb_build_object('id', g."id", 'rules', (
  SELECT COALESCE(jsonb_agg(jsonb_build_object('protocol', r."protocol", 'portMin', r."portMin", 'portMax', r."portMax",
    'remoteCidr', r."remoteCidr")), '[]') FROM "SecurityGroupRule" r
  WHERE r."groupId" = g."id" AND r."direction" = 'ingress' AND r."ethertype" = 'IPv4' AND r."remoteGroupId" IS NULL))`

/** Returns for how many more guests each network of the wish has an address. */
export const guestsThatFit = (wish: NetworkWish, facts: NetworkFacts): number =>
  Math.min(
    ...rowsOf(wish, facts).map((row) =>
      Math.floor(freeOf(row) / Math.max(1, wish.networkIds.filter((id) => id === row.id).length)),
    ),
  )

/** The free addresses of a network's first subnet, from whose pool guests get theirs. */
const freeOf = ({ subnets: [first] }: LaunchNetwork) => (first ? guestAddresses(first) - first.used : 0)

function rowsOf(wish: NetworkWish, { usable }: NetworkFacts): LaunchNetwork[] {
  if (wish.networkIds.length > 0)
    return wish.networkIds.flatMap((id) => usable.find((row) => row.id === id) ?? [])
  return usable.length === 1 && !wish.exactly ? usable : []
}

/**
 * Judges whether `count` launches would get addresses, and who could reach the instances. `closed`: the cloud itself
 * lets no traffic in from outside.
 */
export function judgeNetworks(
  wish: NetworkWish,
  facts: NetworkFacts,
  { count, closed }: { count: number; closed: boolean },
): NetworkPlan {
  const rows = rowsOf(wish, facts)
  const routed = rows[0]?.routed ?? false
  return {
    rows,
    networks: rows.map((row) => ({
      id: row.id,
      name: row.name,
      cidr: row.subnets[0]?.cidr ?? null,
      routed: row.routed,
    })),
    adds: { ports: rows.length * count, ...(wish.publicIp ? { floatingIps: count } : {}) },
    problems: problemsOf(wish, facts, rows, count),
    reach: reachOf(
      wish,
      facts.groups.flatMap((group) => group.rules),
      { routed, closed, filtered: rows[0]?.portSecurity ?? true },
    ),
    groupIds: facts.groups.map(({ id }) => id),
  }
}

export const groupsNeedSecurity = (network: string) =>
  `Ports of network “${network}” are not filtered: port security is off there. Name no security groups.`

function problemsOf(
  wish: NetworkWish,
  facts: NetworkFacts,
  rows: readonly LaunchNetwork[],
  count: number,
): NetworkPlan['problems'] {
  const problems: NetworkPlan['problems'] = []
  const add = (code: ErrorCode, field: string, message: string) => problems.push({ code, field, message })
  if (wish.networkIds.length === 0 && rows.length === 0 && !wish.exactly) {
    if (facts.usable.length === 0)
      add(
        'invalid_input',
        'networkIds',
        'This project has no network yet. Make a starter network with one click.',
      )
    else add('conflict', 'networkIds', 'There is more than one network. Choose at least one.')
  }
  if (rows.length < wish.networkIds.length)
    add('not_found', 'networkIds', 'One of the networks does not exist (any more). Choose another.')
  const unfiltered = rows.find((row) => !row.portSecurity)
  if (unfiltered && wish.securityGroupIds.length > 0)
    add('invalid_input', 'securityGroupIds', groupsNeedSecurity(unfiltered.name))
  for (const row of rows) {
    if (row.subnets.length === 0)
      add(
        'invalid_input',
        'networkIds',
        `Network “${row.name}” has no subnet, so it has no addresses to give. Add a subnet.`,
      )
    else if (freeOf(row) < count)
      add(
        'conflict',
        'networkIds',
        `Network “${row.name}” has too few free addresses. Choose another network.`,
      )
  }
  for (const id of wish.securityGroupIds)
    if (!facts.groups.some((group) => group.id === id))
      add(
        'not_found',
        'securityGroupIds',
        'One of the security groups does not exist (any more). Choose another.',
      )
  if (wish.publicIp && !facts.hasExternal)
    add('conflict', 'publicIp', 'This cloud has no external network, so there are no public addresses.')
  if (wish.publicIp && facts.hasExternal && rows[0] && !rows[0].routed)
    add(
      'conflict',
      'publicIp',
      `Network “${rows[0].name}” has no router with a way out, so a public address could not reach it. Attach a router, or switch the public IP off.`,
    )
  return problems
}

function reachOf(
  wish: NetworkWish,
  rules: readonly Rule[],
  { routed, closed, filtered }: { routed: boolean; closed: boolean; filtered: boolean },
): NetworkPlan['reach'] {
  return rulePresets
    .filter((preset) => preset.key !== 'rdp' || wish.openPresets.includes('rdp'))
    .map((preset) => {
      const open =
        !filtered ||
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
