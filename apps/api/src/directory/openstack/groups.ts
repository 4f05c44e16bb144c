import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
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
import { limited } from '../domain-config/limited.ts'
import { ownDomain } from '../reach.ts'
import { groupInput, groupListInput } from '../users/contract.ts'
import {
  addGroupMember,
  createGroup,
  deleteGroup,
  findGroups,
  getGroup,
  isGroupMember,
  removeGroupMember,
  updateGroup,
} from '../users/groups.ts'
import { findUsers } from '../users/service.ts'
import { directoryFilter } from './shared.ts'
import { userFilter } from './users.ts'
import { groupView, userView } from './views.ts'

const { name } = groupInput.shape
const fields = { name, description, domain_id: keystoneId.nullish() }
const created = z.object({ group: z.looseObject(fields) })
const updated = z.object({
  group: z.looseObject({ ...fields, name: name.optional(), description: newDescription }),
})
const extraIn = ({ body }: Call) => extraOf(body, 'group', Object.keys(fields), ['description'])
const membership = (params: Record<string, string>) => ({
  groupId: idOf(params),
  userId: idOf(params, 'user'),
})

export const groupOperations: ApiOperation[] = [
  {
    name: 'groups.list',
    method: 'GET',
    path: '/groups',
    summary: 'List groups',
    status: 200,
    access: 'domainRead',
    filters: { name: 'none-has-it', domain_id: 'none-has-it' },
    handle: async (call) => {
      const filter = await limited(call, groupListInput.parse(directoryFilter(call.query)))
      const listed = await findGroups(call.ctx, filter)
      return collection(call, 'groups', 'groups', listed, groupView)
    },
  },
  {
    name: 'groups.get',
    method: 'GET',
    path: '/groups/:id',
    summary: 'Show a group',
    status: 200,
    access: 'ofDomain',
    handle: async (call) => ({
      group: groupView(keystoneBase(call), await getGroup(call.ctx, { id: idOf(call.params) })),
    }),
  },
  {
    name: 'groups.create',
    method: 'POST',
    path: '/groups',
    summary: 'Make a group',
    status: 201,
    access: 'domainWrite',
    handle: async (call) => {
      const { group } = created.parse(call.body)
      const domainId = group.domain_id ?? ownDomain(call.ctx)
      const own = changedExtra({}, extraIn(call))
      const input = { name: group.name, description: group.description, domainId, ...own }
      const made = await storing('group', { name: group.name, domainId }, () => createGroup(call.ctx, input))
      return { group: groupView(keystoneBase(call), made) }
    },
  },
  {
    name: 'groups.update',
    method: 'PATCH',
    path: '/groups/:id',
    summary: 'Change a group',
    status: 200,
    access: 'ofDomainWrite',
    handle: eachInTurn(
      (call) => getGroup(call.ctx, { id: idOf(call.params) }),
      async (call, before) => {
        const { group } = updated.parse(call.body)
        unchangeable(group, { id: before.id, domain_id: before.domainId })
        const own = changedExtra(before.extra, extraIn(call))
        const change = { id: before.id, name: group.name, description: group.description, ...own }
        const now = await storing('group', { name: group.name ?? '', domainId: before.domainId }, () =>
          updateGroup(call.ctx, change),
        )
        return { group: groupView(keystoneBase(call), now) }
      },
    ),
  },
  {
    name: 'groups.delete',
    method: 'DELETE',
    path: '/groups/:id',
    summary: 'Delete a group',
    status: 204,
    access: 'ofDomainWrite',
    handle: async ({ ctx, params }) => {
      await deleteGroup(ctx, { id: idOf(params) })
    },
  },
  {
    name: 'groups.users.list',
    method: 'GET',
    path: '/groups/:id/users',
    summary: 'List the users of a group',
    status: 200,
    access: 'ofDomain',
    filters: {
      ...{ name: 'none-has-it', domain_id: 'none-has-it', enabled: 'false' },
      password_expires_at: 'lt:1990-01-01T00:00:00Z',
    },
    handle: async (call) => {
      const { id, domainId } = await getGroup(call.ctx, { id: idOf(call.params) })
      // Administrators of a domain see the members of their domain; readers of the cloud see all members.
      const within = call.ctx.scope.kind === 'domain' ? { domainId } : {}
      const listed = await findUsers(call.ctx, { ...userFilter(call.query), groupId: id, ...within })
      return collection(call, `groups/${id}/users`, 'users', listed, userView)
    },
  },
  {
    name: 'groups.users.get',
    method: 'GET',
    path: '/groups/:id/users/:user',
    summary: 'Is the user in the group?',
    status: 204,
    access: 'ofUser',
    handle: async ({ ctx, params }) => {
      if (!(await isGroupMember(ctx, membership(params)))) throw notInGroup(params)
    },
  },
  {
    name: 'groups.users.add',
    method: 'PUT',
    path: '/groups/:id/users/:user',
    summary: 'Add a user to a group',
    status: 204,
    access: 'ofDomainWrite',
    handle: async ({ ctx, params }) => {
      await addGroupMember(ctx, membership(params))
    },
  },
  {
    name: 'groups.users.remove',
    method: 'DELETE',
    path: '/groups/:id/users/:user',
    summary: 'Remove a user from a group',
    status: 204,
    access: 'ofDomainWrite',
    handle: async ({ ctx, params }) => {
      await removeGroupMember(ctx, membership(params))
    },
  },
]

const notInGroup = (params: Record<string, string>) =>
  new HttpError(404, `User '${idOf(params, 'user')}' not found in group '${idOf(params)}'.`)
