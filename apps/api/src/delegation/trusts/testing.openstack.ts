import { aUser, none, roleNamed } from '../../directory/openstack/testing.shared.ts'
import type { Examples, Tenant } from '../../openstack/testing.ts'
import { createTrust, deleteTrust } from './service.ts'

async function make(tenant: Tenant) {
  const { ctx, userId, projectId } = tenant
  // The number of trusts that a user may give is limited, and the matrix makes more than that.
  const old = await ctx.deps.root.trust.findMany({ where: { trustorId: userId, deletedAt: null }, take: 50 })
  if (old.length === 50) for (const { id } of old) await deleteTrust(ctx, { id })
  return createTrust(ctx, {
    trustorId: userId,
    trusteeId: (await aUser(tenant)).id,
    projectId,
    roles: [{ name: 'reader' }],
    impersonation: false,
    allowRedelegation: false,
  })
}
const aTrust = {
  make: async (tenant: Tenant) => ({ params: { id: (await make(tenant)).id } }),
  foreign: async (_tenant: Tenant, other: Tenant) => [{ params: { id: (await make(other)).id } }],
}

export const trustExamples: Examples = {
  'trusts.list': {
    ...none,
    foreign: (_tenant, other) => [{ query: { trustor_user_id: other.userId } }],
  },
  'trusts.create': {
    make: async (tenant) => ({
      body: {
        trust: {
          trustor_user_id: tenant.userId,
          trustee_user_id: (await aUser(tenant)).id,
          project_id: tenant.projectId,
          roles: [{ name: 'member' }],
          impersonation: true,
          expires_at: '2099-02-27T18:30:59.999999Z',
          remaining_uses: 5,
        },
      },
    }),
    foreign: async (tenant, other) => {
      const trust = {
        trustor_user_id: tenant.userId,
        trustee_user_id: other.userId,
        project_id: tenant.projectId,
        roles: [{ name: 'member' }],
        impersonation: true,
      }
      return [
        { body: { trust: { ...trust, trustor_user_id: other.userId, trustee_user_id: tenant.userId } } },
        { body: { trust: { ...trust, project_id: other.projectId } } },
        { body: { trust: { ...trust, roles: [{ name: 'admin' }] } } },
      ]
    },
  },
  'trusts.get': aTrust,
  'trusts.delete': aTrust,
  'trusts.roles.list': aTrust,
  'trusts.roles.get': {
    make: async (tenant) => ({
      params: { id: (await make(tenant)).id, role_id: await roleNamed(tenant.ctx, 'reader') },
    }),
  },
}
