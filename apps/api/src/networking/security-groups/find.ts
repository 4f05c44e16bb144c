import type { Prisma, SecurityGroupRuleModel } from '@stratolith/db'
import { type Ctx, listScope, projectOf, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import {
  column,
  type FindInput,
  neutronAsk,
  queryRows,
  type Searchable,
  standardSort,
  uuidColumn,
} from '../queries.ts'
import { normalPrefix } from './prefixes.ts'
import { querySecurityGroups } from './queries.ts'
import { isOfIpv6, normalProtocol } from './rules.ts'
import { ensureDefaultSecurityGroup } from './service.ts'

const include = {
  rules: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
} satisfies Prisma.SecurityGroupInclude
export type SecurityGroupRecord = Prisma.SecurityGroupGetPayload<{ include: typeof include }>
export type SecurityGroupRuleRecord = SecurityGroupRuleModel

export async function findSecurityGroups(ctx: Ctx, input: FindInput): Promise<SecurityGroupRecord[]> {
  authorize(ctx, 'securityGroup:list')
  // A project's default group is made when somebody first looks for groups.
  if (ctx.scope.kind === 'project') await ensureDefaultSecurityGroup(ctx, projectOf(ctx))
  const ask = neutronAsk(new Set(standardSort), input, { allProjects: seesAll(ctx) })
  return (await querySecurityGroups<SecurityGroupRecord>(ctx, ask, include)).rows
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
    // The prefix is also looked for as the caller wrote it, because rules of earlier versions keep IPv6 addresses as
    // they were sent.
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
/** Every word for a protocol finds the rules that mean this protocol; a word of IPv6 finds only rules of IPv6. */
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

/** Returns the rules of all visible groups. */
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
