import { z } from 'zod'
import {
  createRbacPolicy,
  deleteRbacPolicy,
  findRbacPolicies,
  findRbacPolicy,
  type RbacPolicyRecord,
  retargetRbacPolicy,
} from '../rbac/service.ts'
import { body, owner } from './body.ts'
import { always, projectAttributes, text } from './query.ts'
import type { Resource } from './resource.ts'

const target = z.string().regex(/^(\*|[0-9a-zA-Z_.-]{1,64})$/, 'it is a project or *')
const post = z.strictObject({
  ...owner,
  object_type: z.literal('network', 'only networks can be shared'),
  object_id: body.uuid,
  action: z.literal('access_as_shared', 'only access_as_shared is offered'),
  target_tenant: target,
})
const put = z.strictObject({ target_tenant: target })

export const rbacPolicies: Resource<typeof post, typeof put, RbacPolicyRecord> = {
  name: 'rbac_policy',
  collection: 'rbac_policies',
  path: '/rbac-policies',
  kind: 'rbac policy',
  attributes: {
    id: text('id'),
    ...projectAttributes,
    object_id: text('objectId'),
    action: text('action'),
    target_tenant: text('targetProject'),
    object_type: always('network'),
  },
  post,
  put,
  find: findRbacPolicies,
  one: findRbacPolicy,
  views: (_ctx, rows) => rows.map(view),
  create: async (ctx, input) => {
    return (await createRbacPolicy(ctx, { networkId: input.object_id, targetProject: input.target_tenant }))
      .id
  },
  update: (ctx, id, input) => retargetRbacPolicy(ctx, { id, targetProject: input.target_tenant }),
  remove: (ctx, id) => deleteRbacPolicy(ctx, { id }),
  access: {
    create: { deviation: 'Networks with access_as_shared; at most 100 a network instead of a quota.' },
  },
}

const view = (row: RbacPolicyRecord): Record<string, unknown> => ({
  id: row.id,
  project_id: row.projectId,
  tenant_id: row.projectId,
  object_type: 'network',
  object_id: row.objectId,
  action: row.action,
  target_tenant: row.targetProject,
})
