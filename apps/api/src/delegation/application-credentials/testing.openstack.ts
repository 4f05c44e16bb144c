import { hexId } from '../../kernel/testing.ts'
import type { Examples, Tenant } from '../../openstack/testing.ts'
import { createApplicationCredential, deleteApplicationCredential } from './service.ts'

const rule = { service: 'compute', method: 'GET' as const, path: '/v2.1/servers/*' }
const fresh = () => `app-${hexId().slice(0, 12)}`
async function make({ ctx, userId }: Tenant, accessRules = false) {
  // A user has at most a hundred credentials, and the matrix makes more than that.
  const where = { userId }
  if ((await ctx.deps.root.applicationCredential.count({ where })) > 80)
    await ctx.deps.root.applicationCredential.deleteMany({ where })
  return createApplicationCredential(ctx, {
    name: fresh(),
    ...(accessRules ? { accessRules: [{ ...rule, path: `/v2.1/${hexId()}` }] } : {}),
  })
}
const aCredential = async (tenant: Tenant) => ({
  params: { user_id: tenant.userId, id: (await make(tenant)).id },
})
/** Makes an access rule that no credential uses any more. */
const unused = async (tenant: Tenant) => {
  const made = await make(tenant, true)
  await deleteApplicationCredential(tenant.ctx, { id: made.id })
  return { params: { user_id: tenant.userId, id: made.accessRules?.[0]?.id ?? '' } }
}
const ofUser = {
  make: ({ userId }: Tenant) => ({ params: { user_id: userId } }),
  foreign: (_tenant: Tenant, other: Tenant) => [{ params: { user_id: other.userId } }],
}
const foreignOne = {
  foreign: async (tenant: Tenant, other: Tenant) => {
    const { id } = (await aCredential(other)).params
    return [{ params: { user_id: other.userId, id } }, { params: { user_id: tenant.userId, id } }]
  },
}

export const applicationCredentialExamples: Examples = {
  'application_credentials.list': ofUser,
  'application_credentials.create': {
    make: ({ userId }) => ({
      params: { user_id: userId },
      body: {
        application_credential: {
          name: fresh(),
          description: 'for backups',
          secret: 'a secret of my own',
          expires_at: '2099-12-31T23:59:59.000000',
          roles: [{ name: 'reader' }],
          unrestricted: false,
          access_rules: [rule],
        },
      },
    }),
    foreign: async (tenant, other) => [
      {
        params: { user_id: other.userId },
        body: { application_credential: { name: fresh() } },
      },
      {
        params: { user_id: tenant.userId },
        body: {
          application_credential: {
            name: fresh(),
            access_rules: [{ id: (await unused(other)).params.id }],
          },
        },
      },
      {
        params: { user_id: tenant.userId },
        body: { application_credential: { name: fresh(), roles: [{ name: 'admin' }] } },
      },
    ],
  },
  'application_credentials.get': { make: aCredential, ...foreignOne },
  'application_credentials.delete': { make: aCredential, ...foreignOne },
  'access_rules.list': ofUser,
  'access_rules.get': { make: unused },
  'access_rules.delete': { make: unused },
}
