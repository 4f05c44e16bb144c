import type { Prisma, SecurityGroupRuleModel } from '@stratolith/db'
import { type Ctx, listScope, projectOf, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, found, type Slice } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import {
  column,
  type FindInput,
  type NetworkingWhere,
  neutronAsk,
  queryRows,
  type Searchable,
  standardSearch,
  standardSort,
  uuidColumn,
} from '../find.ts'
import { ownedScope } from '../owner.ts'
import { normalPrefix } from './prefixes.ts'
import { isOfIpv6, normalProtocol } from './rules.ts'
import { ensureDefaultSecurityGroup } from './service.ts'

const include = {
  rules: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
} satisfies Prisma.SecurityGroupInclude
export type SecurityGroupRecord = Prisma.SecurityGroupGetPayload<{ include: typeof include }>
export type SecurityGroupRuleRecord = SecurityGroupRuleModel

/** Security groups as the portal, OpenStack's clients and exports list them; `include` is what the door shows. */
export async function querySecurityGroups<Row extends { id: string } = SecurityGroupRecord>(
  ctx: Ctx,
  ask: Ask<NetworkingWhere>,
  its: Prisma.SecurityGroupInclude = include,
): Promise<Slice<Row>> {
  authorize(ctx, 'securityGroup:list')
  // Every project has its default group from the first look on.
  if (ctx.scope.kind === 'project') await ensureDefaultSecurityGroup(ctx, projectOf(ctx))
  const { search } = ask.where
  return queryRows<Row>(
    ctx.db.securityGroup,
    {
      ...{ kind: 'security group', scope: ownedScope(ctx, ask.where), include: its },
      ...{ searchable: standardSearch, also: search ? [{ OR: found(search) }] : [] },
    },
    ask,
  )
}

export async function findSecurityGroups(ctx: Ctx, input: FindInput): Promise<SecurityGroupRecord[]> {
  const ask = neutronAsk(new Set(standardSort), input, { allProjects: seesAll(ctx) })
  return (await querySecurityGroups(ctx, ask)).rows
}

export async function findSecurityGroup(ctx: Ctx, id: string): Promise<SecurityGroupRecord> {
  const [row] = await findSecurityGroups(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('security group', id)
  authorize(ctx, 'securityGroup:get', { projectId: row.projectId })
  return row
}

const ruleSearch: Searchable = {
  id: uuidColumn('id'),
  projectId: column('projectId'),
  description: column('description'),
  groupId: uuidColumn('groupId'),
  remoteGroupId: uuidColumn('remoteGroupId'),
  direction: column('direction'),
  ethertype: column('ethertype'),
  protocol: (any) => ({ OR: any.map(protocolSought) }),
  portMin: column('portMin'),
  portMax: column('portMax'),
  changedSince: ([time]) => ({ createdAt: { gte: time } }),
  remoteCidr: (sought) => {
    // As it is written, too: rules of earlier versions have addresses of IPv6 as they came.
    const any = sought.flatMap((range) =>
      range === null ? [null] : [normalPrefix(String(range))?.network ?? '', String(range).toLowerCase()],
    )
    const everything = any.filter((range) => range === '0.0.0.0/0' || range === '::/0')
    const some = everything.map((range) => ({
      remoteAny: true,
      ethertype: range === '::/0' ? 'IPv6' : 'IPv4',
    }))
    return { OR: [column('remoteCidr')(any.filter((range) => range !== null)), ...some, ...noRange(any)] }
  },
}
/** Every word for a protocol finds the rules that mean it; one of IPv6 alone those of IPv6. */
function protocolSought(value: unknown): object {
  if (value === null) return { protocol: null }
  const text = String(value).toLowerCase()
  const normal = normalProtocol(text)
  if (normal === undefined) return { id: { in: [] } }
  return { protocol: normal, ...(isOfIpv6(text) ? { ethertype: 'IPv6' } : {}) }
}
const noRange = (any: readonly unknown[]) =>
  any.includes(null) ? [{ remoteCidr: null, remoteAny: false }] : []
const ruleSort = new Set([
  'id',
  'projectId',
  'createdAt',
  'groupId',
  'direction',
  'ethertype',
  'protocol',
  'portMin',
  'portMax',
  'description',
  'remoteCidr',
  'remoteGroupId',
])

/** Across groups. */
export async function findSecurityGroupRules(ctx: Ctx, input: FindInput): Promise<SecurityGroupRuleRecord[]> {
  authorize(ctx, 'securityGroup:list')
  if (ctx.scope.kind === 'project') await ensureDefaultSecurityGroup(ctx, projectOf(ctx))
  const scope = listScope(ctx, { allProjects: seesAll(ctx) })
  const from = { kind: 'security group rule', scope, searchable: ruleSearch }
  const ask = neutronAsk(ruleSort, input, {})
  return (await queryRows<SecurityGroupRuleRecord>(ctx.db.securityGroupRule, from, ask)).rows
}

export async function findSecurityGroupRule(ctx: Ctx, id: string): Promise<SecurityGroupRuleRecord> {
  const [row] = await findSecurityGroupRules(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('security group rule', id)
  authorize(ctx, 'securityGroup:get', { projectId: row.projectId })
  return row
}
