import { notFound } from '../../kernel/errors.ts'
import { idOf, keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { getRole, implyRole, listImplications, unimplyRole } from '../roles/service.ts'
import { namedRole } from './views.ts'

type Named = { id: string; name: string }
const pairOf = (params: Record<string, string>) => ({
  priorRoleId: idOf(params),
  impliedRoleId: idOf(params, 'implied'),
})
const pair = '/roles/:id/implies/:implied'

export const impliedRoleOperations: ApiOperation[] = [
  {
    name: 'role_inferences.list',
    method: 'GET',
    path: '/role_inferences',
    summary: 'List the roles that every role implies',
    status: 200,
    access: 'domainRead',
    handle: async (call) => {
      const base = keystoneBase(call)
      return {
        role_inferences: (await listImplications(call.ctx)).map(({ prior, implied }) => ({
          prior_role: namedRole(base, prior),
          implies: implied.map((role) => namedRole(base, role)),
        })),
        links: { self: `${base}/role_inferences` },
      }
    },
  },
  {
    name: 'roles.implies.list',
    method: 'GET',
    path: '/roles/:id/implies',
    summary: 'List the roles that a role implies',
    status: 200,
    access: 'domainRead',
    handle: async (call) => {
      const base = keystoneBase(call)
      const prior = await getRole(call.ctx, { id: idOf(call.params) })
      return {
        role_inference: {
          prior_role: namedRole(base, prior),
          implies: prior.implies.map((role) => namedRole(base, role)),
        },
        links: { self: `${base}/roles/${prior.id}/implies` },
      }
    },
  },
  {
    name: 'roles.implies.get',
    method: 'GET',
    path: pair,
    summary: 'Does a role imply the other?',
    status: 200,
    access: 'domainRead',
    handle: async (call) => {
      const prior = await getRole(call.ctx, { id: idOf(call.params) })
      const implied = prior.implies.find((role) => role.id === idOf(call.params, 'implied'))
      if (!implied) throw notFound('implied role', idOf(call.params, 'implied'))
      // For HEAD, Keystone answers 204.
      if (call.request.method !== 'HEAD') return inference(call, prior, implied)
      call.reply.status(204)
      return undefined
    },
  },
  {
    name: 'roles.implies.add',
    method: 'PUT',
    path: pair,
    summary: 'Let a role imply the other',
    status: 201,
    access: 'admin',
    deviation:
      'A role of a domain is implied by roles of the same domain only, and the role admin by none (403).',
    handle: async (call) => {
      const ids = pairOf(call.params)
      await implyRole(call.ctx, ids)
      const [prior, implied] = await Promise.all([
        getRole(call.ctx, { id: ids.priorRoleId }),
        getRole(call.ctx, { id: ids.impliedRoleId }),
      ])
      return inference(call, prior, implied)
    },
  },
  {
    name: 'roles.implies.remove',
    method: 'DELETE',
    path: pair,
    summary: 'Stop a role from implying the other',
    status: 204,
    access: 'admin',
    deviation: 'Two implications cannot be removed: admin implies member, and member implies reader (403).',
    handle: async ({ ctx, params }) => {
      await unimplyRole(ctx, pairOf(params))
    },
  },
]

const inference = (call: Call, prior: Named, implied: Named) => ({
  role_inference: {
    prior_role: namedRole(keystoneBase(call), prior),
    implies: namedRole(keystoneBase(call), implied),
  },
  links: { self: `${keystoneBase(call)}/roles/${prior.id}/implies/${implied.id}` },
})
