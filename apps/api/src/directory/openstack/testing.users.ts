import type { Examples, Tenant } from '../../openstack/testing.ts'
import { addGroupMember } from '../users/groups.ts'
import { aGroup, aUser, fresh } from './testing.shared.ts'

const ofUser = {
  make: ({ userId }: Tenant) => ({ params: { id: userId } }),
  foreign: (_tenant: Tenant, other: Tenant) => [{ params: { id: other.userId } }],
}
const aMember = async (tenant: Tenant, userId?: string) => {
  const group = await aGroup(tenant)
  const user = userId ?? (await aUser(tenant)).id
  await addGroupMember(tenant.admin, { groupId: group.id, userId: user })
  return { id: group.id, user }
}
/** A group of the other tenant, and a user of the other tenant in a group of the tenant's own. */
const foreignGroup = (body?: unknown) => ({
  foreign: async (tenant: Tenant, other: Tenant) => [
    { params: { id: (await aGroup(other)).id, user: tenant.userId }, body },
    { params: { id: (await aGroup(tenant)).id, user: other.userId }, body },
  ],
})

export const userExamples: Examples = {
  'users.list': {
    make: () => ({ query: { enabled: 'true', password_expires_at: 'neq:2020-01-01T00:00:00Z' } }),
    foreign: (_tenant, other) => [{ query: { domain_id: other.domainId } }],
  },
  'users.get': ofUser,
  'users.projects': ofUser,
  'users.groups': {
    ...ofUser,
    make: async (tenant) => ({ params: { id: (await aMember(tenant, tenant.userId)).user } }),
  },
  'users.create': {
    make: ({ domainId, projectId }) => ({
      body: {
        user: {
          name: fresh('user'),
          domain_id: domainId,
          default_project_id: projectId,
          description: null,
          email: 'someone@example.org',
          enabled: true,
          options: { ignore_password_expiry: true, multi_factor_auth_rules: [['password', 'totp']] },
          colour: 'green',
        },
      },
    }),
    foreign: (_tenant, other) => [{ body: { user: { name: fresh('user'), domain_id: other.domainId } } }],
  },
  'users.update': {
    make: ({ userId, projectId }) => ({
      params: { id: userId },
      body: { user: { description: 'x', default_project_id: projectId, options: {}, colour: 'blue' } },
    }),
    foreign: (_tenant, other) => [
      { params: { id: other.userId }, body: { user: { enabled: false } } },
      { params: { id: other.userId }, body: { user: { password: 'a-password-of-mine' } } },
    ],
  },
  'users.delete': {
    make: async (tenant) => ({ params: { id: (await aUser(tenant)).id } }),
    foreign: (_tenant, other) => [{ params: { id: other.userId } }],
  },
  'groups.list': {
    make: () => ({ query: { name__startswith: 'group' } }),
    foreign: (_tenant, other) => [{ query: { domain_id: other.domainId } }],
  },
  'groups.get': {
    make: async (tenant) => ({ params: { id: (await aGroup(tenant)).id } }),
    ...foreignGroup(),
  },
  'groups.create': {
    make: ({ domainId }) => ({
      body: { group: { name: fresh('group'), domain_id: domainId, description: 'x' } },
    }),
    foreign: (_tenant, other) => [{ body: { group: { name: fresh('group'), domain_id: other.domainId } } }],
  },
  'groups.update': {
    make: async (tenant) => ({
      params: { id: (await aGroup(tenant)).id },
      body: { group: { description: 'y' } },
    }),
    ...foreignGroup({ group: { name: 'mine' } }),
  },
  'groups.delete': {
    make: async (tenant) => ({ params: { id: (await aGroup(tenant)).id } }),
    ...foreignGroup(),
  },
  'groups.users.list': { make: async (tenant) => ({ params: await aMember(tenant) }), ...foreignGroup() },
  'groups.users.get': {
    make: async (tenant) => ({ params: await aMember(tenant, tenant.userId) }),
    ...foreignGroup(),
  },
  'groups.users.add': {
    make: async (tenant) => ({ params: { id: (await aGroup(tenant)).id, user: tenant.userId } }),
    ...foreignGroup(),
  },
  'groups.users.remove': { make: async (tenant) => ({ params: await aMember(tenant) }), ...foreignGroup() },
}
