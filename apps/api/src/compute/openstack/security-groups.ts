import { z } from 'zod'
import { seesAll } from '../../kernel/context.ts'
import { ruleCreateInput, type SecurityGroupView } from '../../networking/contract.ts'
import {
  addSecurityGroupRule,
  createSecurityGroup,
  deleteSecurityGroup,
  getSecurityGroup,
  listSecurityGroups,
  removeSecurityGroupRule,
  updateSecurityGroup,
} from '../../networking/security-groups/service.ts'
import { findSecurityGroups } from '../../networking/service.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { pageQuery, queryText } from '../../openstack/pages.ts'
import { inner, parse, queryBoolean } from '../../openstack/schema.ts'
import { changeGroups } from '../instances/interfaces.ts'
import { getServer } from '../instances/server-list.ts'
import { description, name } from './body.ts'
import { withoutConflict } from './neutron.ts'
import { serverAction } from './server-actions.ts'

type Rule = SecurityGroupView['rules'][number]
/** Nova shows only rules that allow incoming IPv4; Neutron shows all other rules of a group. */
const isNovas = (rule: Rule) => rule.direction === 'ingress' && rule.ethertype === 'IPv4'

function ruleView(group: SecurityGroupView, rule: Rule): object {
  const icmp = rule.protocol === 'icmp'
  const open = rule.protocol === null
  return {
    id: rule.id,
    parent_group_id: group.id,
    ip_protocol: rule.protocol,
    from_port: open ? null : (rule.portMin ?? (icmp ? -1 : 1)),
    to_port: open ? null : (rule.portMax ?? rule.portMin ?? (icmp ? -1 : 65_535)),
    ip_range: rule.remoteGroup ? {} : { cidr: rule.remoteCidr ?? '0.0.0.0/0' },
    group: rule.remoteGroup ? { name: rule.remoteGroup.name, tenant_id: group.projectId } : {},
  }
}
const groupView = (group: SecurityGroupView): object => ({
  id: group.id,
  name: group.name,
  tenant_id: group.projectId,
  description: group.description,
  rules: group.rules.filter(isNovas).map((rule) => ruleView(group, rule)),
})

/** Lists groups. all_tenants is for administrators; other callers get the groups of their own project. */
async function list(call: Call): Promise<object> {
  const { ctx, query } = call
  const { limit } = pageQuery(query)
  const offset = Number(/^\d{1,6}$/.exec(queryText(query, 'offset') ?? '')?.[0] ?? 0)
  const all = query.all_tenants !== undefined && queryBoolean(query, 'all_tenants') !== false
  const groups = await listSecurityGroups(ctx, {
    limit: Math.min(1000, offset + limit),
    sortDir: 'asc',
    allProjects: all && seesAll(ctx),
  })
  return { security_groups: groups.items.slice(offset).map(groupView) }
}

const id = (call: Call) => ({ id: call.params.group_id ?? '' })
const body = z.strictObject({ name, description: description.optional() })
const text = (value: string | null | undefined) => value ?? ''

const port = z.preprocess(
  (v) => (typeof v === 'string' && /^-?\d{1,5}$/.test(v) ? Number(v) : v),
  z.int().min(-1).max(65_535).nullish(),
)
const rule = z.strictObject({
  parent_group_id: z.uuid('is not a UUID'),
  ip_protocol: z.string().max(20).nullish(),
  from_port: port,
  to_port: port,
  cidr: z.string().max(64).nullish(),
  group_id: z.uuid('is not a UUID').nullish(),
})

async function createRule(call: Call): Promise<object> {
  const wish = inner(call, 'security_group_rule', rule)
  const protocol = wish.ip_protocol?.toLowerCase() ?? null
  const bounds = [wish.from_port, wish.to_port].map((n) =>
    n === undefined || n === null || n < 0 ? null : n,
  )
  if (protocol !== null && protocol !== 'icmp' && (bounds[0] === null || bounds[1] === null))
    throw new HttpError(400, 'A rule needs from_port and to_port.')
  const before = await getSecurityGroup(call.ctx, { id: wish.parent_group_id })
  const input = parse(
    ruleCreateInput,
    {
      securityGroupId: wish.parent_group_id,
      direction: 'ingress',
      protocol,
      portMin: bounds[0],
      portMax: bounds[1],
      remoteCidr: wish.group_id ? null : (wish.cidr ?? '0.0.0.0/0'),
      remoteGroupId: wish.group_id ?? null,
    },
    {
      securityGroupId: 'parent_group_id',
      protocol: 'ip_protocol',
      portMin: 'from_port',
      portMax: 'to_port',
      remoteCidr: 'cidr',
      remoteGroupId: 'group_id',
    },
  )
  const after = await addSecurityGroupRule(call.ctx, input)
  const made = after.rules.find((r) => !before.rules.some((old) => old.id === r.id))
  if (!made) throw new HttpError(409, 'The rule was removed meanwhile.')
  return { security_group_rule: ruleView(after, made) }
}

/** Returns the id of a group of the caller's project, found by id or name. */
async function groupNamed(call: Call, ref: string): Promise<string> {
  const found = await findSecurityGroups(call.ctx, [ref])
  const [group] = found
  if (!group) throw new HttpError(404, `Security group ${ref.slice(0, 100)} not found.`)
  if (found.length > 1)
    throw new HttpError(
      409,
      `Multiple security_group matches found for name '${ref.slice(0, 100)}', use an ID to be more specific.`,
    )
  return group.id
}
const named = z.strictObject({ name: z.string().min(1).max(255) })

const gone = { until: 35 }
const item = { path: '/os-security-groups/:group_id', ...gone }
const ofNeutron: ApiOperation[] = [
  {
    ...gone,
    name: 'security_groups.list',
    method: 'GET',
    path: '/os-security-groups',
    summary: 'List security groups',
    status: 200,
    access: 'list',
    except: { systemReader: 'forbidden' }, // without all_tenants the list needs a project
    deviation: 'Only rules that let in by IPv4 are shown; egress and IPv6 are Neutron’s.',
    handle: list,
  },
  {
    ...gone,
    name: 'security_groups.create',
    method: 'POST',
    path: '/os-security-groups',
    summary: 'Create a security group',
    status: 200,
    access: 'create',
    handle: async (call) => {
      const wish = inner(call, 'security_group', body)
      const group = await createSecurityGroup(call.ctx, {
        name: wish.name,
        description: text(wish.description),
      })
      return { security_group: groupView(group) }
    },
  },
  {
    ...item,
    name: 'security_groups.get',
    method: 'GET',
    summary: 'Show a security group',
    status: 200,
    access: 'read',
    handle: async (call) => ({ security_group: groupView(await getSecurityGroup(call.ctx, id(call))) }),
  },
  {
    ...item,
    name: 'security_groups.update',
    method: 'PUT',
    summary: 'Change a security group',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const wish = inner(call, 'security_group', body)
      const change = { ...id(call), name: wish.name, description: text(wish.description) }
      return { security_group: groupView(await updateSecurityGroup(call.ctx, change)) }
    },
  },
  {
    ...item,
    name: 'security_groups.delete',
    method: 'DELETE',
    summary: 'Delete a security group',
    status: 202,
    access: 'write',
    handle: async (call) => void (await deleteSecurityGroup(call.ctx, id(call))),
  },
  {
    ...gone,
    name: 'security_group_rules.create',
    method: 'POST',
    path: '/os-security-group-rules',
    summary: 'Add a rule to a security group',
    status: 200,
    access: 'write',
    handle: createRule,
  },
  {
    ...gone,
    name: 'security_group_rules.delete',
    method: 'DELETE',
    path: '/os-security-group-rules/:group_id',
    summary: 'Remove a rule of a security group',
    status: 202,
    access: 'write',
    handle: async (call) => void (await removeSecurityGroupRule(call.ctx, id(call))),
  },
]

export const securityGroupOperations: ApiOperation[] = [
  ...ofNeutron.map(withoutConflict),
  {
    name: 'servers.security_groups',
    method: 'GET',
    path: '/servers/:server_id/os-security-groups',
    summary: 'List the security groups of a server',
    status: 200,
    access: 'read',
    handle: async (call) => {
      const { groups } = await getServer(call.ctx, { id: call.params.server_id ?? '' })
      const views = await Promise.all(groups.map((group) => getSecurityGroup(call.ctx, group)))
      return { security_groups: views.map(groupView) }
    },
  },
  ...(['addSecurityGroup', 'removeSecurityGroup'] as const).map((action) =>
    serverAction(action, {
      summary:
        action === 'addSecurityGroup'
          ? 'Put a server into a security group'
          : 'Take a server out of a security group',
      run: async (call) => {
        const server = { id: call.params.server_id ?? '' }
        const { name: ref } = parse(named, call.body)
        await getServer(call.ctx, server, 'compute:update_instance')
        await changeGroups(call.ctx, server.id, action, await groupNamed(call, ref))
      },
    }),
  ),
]
