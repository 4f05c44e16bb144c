import { z } from 'zod'
import { type Field, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { pageQuery, queryText } from '../../openstack/pages.ts'
import { inner, parse, queryBoolean, whole } from '../../openstack/schema.ts'
import { groupPolicies, type ServerGroupView } from '../contract.ts'
import { createServerGroup, deleteServerGroup, getServerGroup, listServerGroups } from '../groups/service.ts'
import { name } from './body.ts'
import { at } from './fields.ts'

const fields: Field<ServerGroupView>[] = [
  { name: 'id', of: (g) => g.id },
  { name: 'name', of: (g) => g.name },
  { name: 'policies', until: 63, of: (g) => [g.policy] },
  { name: 'metadata', until: 63, of: () => ({}) },
  { name: 'policy', since: 64, of: (g) => g.policy },
  {
    name: 'rules',
    since: 64,
    of: (g) => (g.maxPerHost === null ? {} : { max_server_per_host: g.maxPerHost }),
  },
  { name: 'members', of: (g) => g.members.map(({ id }) => id) },
  { name: 'project_id', since: 13, of: (g) => g.projectId },
  { name: 'user_id', since: 13, of: (g) => g.userId },
]

/** Version 2.15 brought the soft policies, 2.64 one policy with rules instead of a list. */
function creation(minor: number) {
  const policy = z.enum(minor >= 15 ? groupPolicies : (['affinity', 'anti-affinity'] as const))
  return minor >= 64
    ? z.strictObject({
        name,
        policy,
        rules: z.strictObject({ max_server_per_host: whole(1).optional() }).optional(),
      })
    : z.strictObject({ name, policies: z.array(policy).length(1, 'must be one policy') })
}

async function create(call: Call): Promise<object> {
  const wish = inner(call, 'server_group', creation(call.minor) as z.ZodType<Wish>)
  const maxPerHost = wish.rules?.max_server_per_host
  const group = await createServerGroup(call.ctx, {
    name: wish.name,
    policy: parse(z.enum(groupPolicies), wish.policy ?? wish.policies?.[0]),
    ...(maxPerHost === undefined ? {} : { maxPerHost }),
  })
  return { server_group: shape(fields, group, at(call)) }
}
type Wish = {
  name: string
  policy?: string
  policies?: string[]
  rules?: { max_server_per_host?: number }
}

async function list(call: Call): Promise<object> {
  const { limit } = pageQuery(call.query)
  const offset = Number(/^\d{1,9}$/.exec(queryText(call.query, 'offset') ?? '')?.[0] ?? 0)
  const allProjects = queryBoolean(call.query, 'all_projects') ?? call.query.all_projects !== undefined
  const groups = await listServerGroups(call.ctx, { allProjects, limit, offset })
  return { server_groups: groups.map((group) => shape(fields, group, at(call))) }
}

const id = (call: Call) => ({ id: call.params.group_id ?? '' })
const item = { path: '/os-server-groups/:group_id' }
export const serverGroupOperations: ApiOperation[] = [
  {
    name: 'server_groups.list',
    method: 'GET',
    path: '/os-server-groups',
    summary: 'List server groups',
    status: 200,
    access: 'list',
    handle: list,
  },
  {
    name: 'server_groups.create',
    method: 'POST',
    path: '/os-server-groups',
    summary: 'Create a server group',
    status: 200,
    access: 'create',
    handle: create,
  },
  {
    ...item,
    name: 'server_groups.get',
    method: 'GET',
    summary: 'Show a server group',
    status: 200,
    access: 'read',
    handle: async (call) => ({
      server_group: shape(fields, await getServerGroup(call.ctx, id(call)), at(call)),
    }),
  },
  {
    ...item,
    name: 'server_groups.delete',
    method: 'DELETE',
    summary: 'Delete a server group',
    status: 204,
    access: 'write',
    handle: (call) => deleteServerGroup(call.ctx, id(call)),
  },
]
