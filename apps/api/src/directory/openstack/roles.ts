import { z } from 'zod'
import { changedExtra, eachInTurn, extraOf } from '../../openstack/extra.ts'
import {
  collection,
  description,
  idOf,
  keystoneBase,
  newDescription,
  storing,
  unchangeable,
} from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { keystoneId } from '../contract.ts'
import { roleInput, roleListInput } from '../roles/contract.ts'
import { createRole, deleteRole, findRoles, getRole, updateRole } from '../roles/service.ts'
import { directoryFilter } from './shared.ts'
import { roleView } from './views.ts'

const { name, options } = roleInput.shape
const fields = { name, description, options, domain_id: keystoneId.nullish() }
const created = z.object({ role: z.looseObject(fields) })
const updated = z.object({
  role: z.looseObject({ ...fields, name: name.optional(), description: newDescription }),
})
const extraIn = ({ body }: Call) => extraOf(body, 'role', Object.keys(fields), ['description'])

export const roleOperations: ApiOperation[] = [
  {
    name: 'roles.list',
    method: 'GET',
    path: '/roles',
    summary: 'List the roles of the cloud, or of one domain',
    status: 200,
    access: 'domainRead',
    filters: { name: 'none-has-it', domain_id: 'none-has-it' },
    handle: async (call) => {
      const listed = await findRoles(call.ctx, roleListInput.parse(directoryFilter(call.query)))
      return collection(call, 'roles', 'roles', listed, roleView)
    },
  },
  {
    name: 'roles.get',
    method: 'GET',
    path: '/roles/:id',
    summary: 'Show a role',
    status: 200,
    access: 'domainRead',
    handle: async (call) => ({
      role: roleView(keystoneBase(call), await getRole(call.ctx, { id: idOf(call.params) })),
    }),
  },
  {
    name: 'roles.create',
    method: 'POST',
    path: '/roles',
    summary: 'Make a role',
    status: 201,
    access: 'admin',
    handle: async (call) => {
      const { role } = created.parse(call.body)
      const domainId = role.domain_id ?? undefined
      const { name, description, options } = role
      const input = { name, description, options, domainId, ...changedExtra({}, extraIn(call)) }
      const made = await storing('role', { name: role.name, domainId }, () => createRole(call.ctx, input))
      return { role: roleView(keystoneBase(call), made) }
    },
  },
  {
    name: 'roles.update',
    method: 'PATCH',
    path: '/roles/:id',
    summary: 'Change a role',
    status: 200,
    access: 'admin',
    deviation:
      'admin, member and reader cannot be changed, whatever their options say, because the rules depend on them.',
    handle: eachInTurn(
      (call) => getRole(call.ctx, { id: idOf(call.params) }),
      async (call, before) => {
        const { role } = updated.parse(call.body)
        unchangeable(role, { id: before.id, domain_id: before.domainId })
        const { name, description, options } = role
        const change = {
          id: before.id,
          name,
          description,
          options,
          ...changedExtra(before.extra, extraIn(call)),
        }
        const now = await storing('role', { name: name ?? '' }, () => updateRole(call.ctx, change))
        return { role: roleView(keystoneBase(call), now) }
      },
    ),
  },
  {
    name: 'roles.delete',
    method: 'DELETE',
    path: '/roles/:id',
    summary: 'Delete a role with its assignments',
    status: 204,
    access: 'admin',
    handle: async ({ ctx, params }) => {
      await deleteRole(ctx, { id: idOf(params) })
    },
  },
]
