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
import { type Query, queryText } from '../../openstack/pages.ts'
import { keystoneId, passwordInput } from '../contract.ts'
import { limited } from '../domain-config/limited.ts'
import { ownDomain } from '../reach.ts'
import { projectDetailsOf } from '../roles/places.ts'
import {
  groupListInput,
  type UserView,
  userInput,
  userListInput,
  userUpdateInput,
} from '../users/contract.ts'
import { findGroups } from '../users/groups.ts'
import { preparedPassword } from '../users/password.ts'
import { createUser, deleteUser, findUsers, getUser, getUserToUpdate, updateUser } from '../users/service.ts'
import { directoryFilter } from './shared.ts'
import { groupView, projectView, userView } from './views.ts'

const fields = {
  name: userInput.shape.name,
  domain_id: keystoneId.nullish(),
  password: passwordInput.nullish(),
  email: userUpdateInput.shape.email,
  description,
  default_project_id: userInput.shape.defaultProjectId,
  enabled: userInput.shape.enabled,
  options: userInput.shape.options,
  /** This cloud has no users of other identity providers. */
  federated: z
    .array(z.unknown())
    .max(0, 'This cloud has no federated users: leave “federated” out.')
    .nullish(),
}
const created = z.object({ user: z.looseObject(fields) })
const updated = z.object({
  user: z.looseObject({
    ...fields,
    name: fields.name.optional(),
    description: newDescription,
    enabled: z.boolean().optional(),
  }),
})
/** A password is never stored as an attribute, whatever key a client sends. */
const known = [...Object.keys(fields), 'password_expires_at', 'original_password']
const texts = ['email', 'description']

export const userOperations: ApiOperation[] = [
  {
    name: 'users.list',
    method: 'GET',
    path: '/users',
    summary: 'List users',
    status: 200,
    access: 'domainRead',
    filters: {
      ...{ name: 'none-has-it', name__endswith: 'none-has-it', domain_id: 'none-has-it' },
      ...{
        password_expires_at: 'lt:1990-01-01T00:00:00Z',
        unique_id: 'none',
        idp_id: 'none',
        protocol_id: 'none',
      },
    },
    handle: async (call) => {
      const listed = await findUsers(call.ctx, await limited(call, userFilter(call.query)))
      // No user comes from another identity provider, so these filters find nobody.
      const none = ['idp_id', 'protocol_id', 'unique_id'].some((key) => Object.hasOwn(call.query, key))
      return collection(call, 'users', 'users', none ? { items: [] } : listed, userView)
    },
  },
  {
    name: 'users.get',
    method: 'GET',
    path: '/users/:id',
    summary: 'Show a user',
    status: 200,
    access: 'ofUser',
    handle: async (call) => ({
      user: userView(keystoneBase(call), await getUser(call.ctx, { id: idOf(call.params) })),
    }),
  },
  {
    name: 'users.create',
    method: 'POST',
    path: '/users',
    summary: 'Make a user',
    status: 201,
    access: 'domainWrite',
    deviation: 'Passwords have eight characters at least (a setting).',
    handle: create,
  },
  {
    name: 'users.update',
    method: 'PATCH',
    path: '/users/:id',
    summary: 'Change a user, including the password',
    status: 200,
    access: 'ofUserWrite',
    handle: update,
  },
  {
    name: 'users.delete',
    method: 'DELETE',
    path: '/users/:id',
    summary: 'Delete a user',
    status: 204,
    access: 'ofDomainWrite',
    deviation: 'Users cannot delete themselves (409).',
    handle: async ({ ctx, params }) => {
      await deleteUser(ctx, { id: idOf(params) })
    },
  },
  {
    name: 'users.groups',
    method: 'GET',
    path: '/users/:id/groups',
    summary: 'Groups that a user is in',
    status: 200,
    access: 'ofUser',
    filters: { name: 'none-has-it' },
    handle: async (call) => {
      const userId = idOf(call.params)
      const { name, limit } = directoryFilter(call.query)
      const input = groupListInput.parse({ name, limit, userId })
      const listed = await findGroups(call.ctx, input)
      return collection(call, `users/${userId}/groups`, 'groups', listed, groupView)
    },
  },
  {
    name: 'users.projects',
    method: 'GET',
    path: '/users/:id/projects',
    summary: 'Projects that a user has a role on',
    status: 200,
    access: 'ofUser',
    filters: { name: 'none-has-it', domain_id: 'none-has-it', enabled: 'false' },
    handle: async (call) => {
      const id = idOf(call.params)
      const { name, domainId, enabled } = directoryFilter(call.query)
      const listed = await projectDetailsOf(call.ctx, { userId: id, name, domainId, enabled })
      return collection(call, `users/${id}/projects`, 'projects', listed, projectView)
    },
  },
]

/** Reads filters such as `password_expires_at=lt:2016-11-06T15:32:17Z`. */
export function userFilter(query: Query) {
  const text = queryText(query, 'password_expires_at')
  const [, operator = 'eq', at] = text === undefined ? [] : (/^(?:([a-z]{2,3}):)?(.+)$/.exec(text) ?? [])
  if (text !== undefined && at === undefined)
    throw new HttpError(400, 'password_expires_at is an operator and a time: lt:2026-11-21T12:00:00Z.')
  const { success, data, error } = userListInput.safeParse({
    ...directoryFilter(query),
    ...(at === undefined ? {} : { passwordExpires: { operator, at: /Z$/.test(at) ? at : `${at}Z` } }),
  })
  if (!success) throw error
  return data
}

async function create(call: Call): Promise<object> {
  const { user } = created.parse(call.body)
  const domainId = user.domain_id ?? ownDomain(call.ctx)
  const input = {
    name: user.name,
    domainId,
    password: user.password ?? undefined,
    email: user.email,
    description: user.description,
    defaultProjectId: user.default_project_id,
    enabled: user.enabled,
    options: user.options,
    ...changedExtra({}, extraOf(call.body, 'user', known, texts)),
  }
  const made = await storing('user', { name: user.name, domainId }, () => createUser(call.ctx, input))
  return { user: userView(keystoneBase(call), made) }
}

/** The right is checked and the password hashed before the change takes its turn, so that it is short. */
async function update(call: Call): Promise<object> {
  const { user } = updated.parse(call.body)
  const load = ({ ctx }: Call) => getUserToUpdate(ctx, { id: idOf(call.params) })
  const { id, domainId } = await load(call)
  unchangeable(user, { id, domain_id: domainId })
  const setPassword = user.password ? await preparedPassword(call.ctx, { id, password: user.password }) : null
  const change = async ({ ctx }: Call, { extra }: UserView) => {
    await setPassword?.(ctx)
    return updateUser(ctx, {
      id,
      name: user.name,
      email: user.email,
      description: user.description,
      defaultProjectId: user.default_project_id,
      enabled: user.enabled,
      options: user.options,
      ...changedExtra(extra, extraOf(call.body, 'user', known, texts)),
    })
  }
  const now = await storing('user', { name: user.name ?? '', domainId }, () => eachInTurn(load, change)(call))
  return { user: userView(keystoneBase(call), now) }
}
