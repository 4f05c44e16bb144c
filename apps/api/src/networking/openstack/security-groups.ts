import { z } from 'zod'
import { findSecurityGroup, findSecurityGroups, type SecurityGroupRecord } from '../security-groups/find.ts'
import { createSecurityGroup, deleteSecurityGroup, updateSecurityGroup } from '../security-groups/service.ts'
import { body, owner, ownerNamed } from './body.ts'
import { always, standardAttributes, text } from './query.ts'
import type { Resource } from './resource.ts'
import { ruleView } from './security-group-rules.ts'
import { standardView } from './views.ts'

const groupPost = z.strictObject({
  ...owner,
  name: body.text.default(''),
  description: body.long.default(''),
  stateful: body.bool.pipe(z.literal(true, 'security groups here keep state')).default(true),
})
const groupPut = z.strictObject({
  name: body.text.optional(),
  description: body.long.optional(),
  stateful: body.bool.pipe(z.literal(true, 'security groups here keep state')).optional(),
})

export const securityGroups: Resource<typeof groupPost, typeof groupPut, SecurityGroupRecord> = {
  name: 'security_group',
  table: 'SecurityGroup',
  collection: 'security_groups',
  path: '/security-groups',
  kind: 'security group',
  attributes: {
    ...standardAttributes,
    name: text('name'),
    stateful: always(true),
    shared: always(false),
    security_group_rules: null,
  },
  post: groupPost,
  put: groupPut,
  find: findSecurityGroups,
  one: findSecurityGroup,
  views: (_ctx, rows) => rows.map(groupView),
  create: async (ctx, input) => {
    const { name, description } = input
    return (await createSecurityGroup(ctx, { projectId: ownerNamed(input), name, description })).id
  },
  update: (ctx, id, { name, description }) => updateSecurityGroup(ctx, { id, name, description }),
  remove: (ctx, id) => deleteSecurityGroup(ctx, { id }),
}

const groupView = (row: SecurityGroupRecord): Record<string, unknown> => ({
  id: row.id,
  name: row.name,
  stateful: true,
  tenant_id: row.projectId,
  description: row.description,
  shared: false,
  security_group_rules: row.rules.map(ruleView),
  ...standardView(row),
})
