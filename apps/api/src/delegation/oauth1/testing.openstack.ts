import { none, roleNamed } from '../../directory/openstack/testing.shared.ts'
import type { Examples, Tenant } from '../../openstack/testing.ts'
import { listAccessTokens } from './access-tokens.ts'
import { createConsumer } from './consumers.ts'
import { authorizeRequestToken, createAccessToken, createRequestToken } from './request-tokens.ts'
import { readAuthorization } from './signature.ts'
import { type Keys, signedHeader } from './testing.ts'

const below = '/identity/v3/OS-OAUTH1'
const source = '192.0.2.1'
const aConsumer = async ({ admin }: Tenant) => {
  // There are at most 1,000 consumers, and the fuzz makes more than that.
  const { oAuthConsumer } = admin.deps.root
  if ((await oAuthConsumer.count()) >= 900) await oAuthConsumer.deleteMany({})
  return createConsumer(admin, { description: 'a program' })
}
const request = ({ deps }: Tenant, path: string, keys: Keys, more?: Record<string, string>) => ({
  method: 'POST',
  url: deps.config.publicUrl + path,
  parameters: readAuthorization(signedHeader(deps.config, path, keys, more)) ?? new Map<string, string>(),
})

async function aRequestToken(tenant: Tenant): Promise<Keys & { id: string }> {
  const consumer = await aConsumer(tenant)
  const asked = request(tenant, `${below}/request_token`, { consumer })
  const token = await createRequestToken(tenant.ctx, asked, tenant.projectId, source)
  return { id: token.id, consumer, token }
}
const roles = [{ name: 'reader' }]
async function anAuthorized(tenant: Tenant) {
  const keys = await aRequestToken(tenant)
  const { verifier } = await authorizeRequestToken(tenant.ctx, keys.id, roles)
  return { keys, verifier }
}
async function anAccessToken(tenant: Tenant): Promise<{ user: string; id: string }> {
  const { ctx, userId } = tenant
  // A user has at most 200 access tokens, and the matrix makes more than that.
  if ((await listAccessTokens(ctx, userId)).length >= 100)
    await ctx.deps.root.oAuthAccessToken.deleteMany({ where: { userId } })
  const { keys, verifier } = await anAuthorized(tenant)
  const taken = request(tenant, `${below}/access_token`, keys, { oauth_verifier: verifier })
  return { user: userId, id: (await createAccessToken(ctx, taken, source)).id }
}
const ofConsumer = { make: async (tenant: Tenant) => ({ params: { id: (await aConsumer(tenant)).id } }) }
const ofToken = {
  make: async (tenant: Tenant) => ({ params: await anAccessToken(tenant) }),
  foreign: async (tenant: Tenant, other: Tenant) => {
    const theirs = await anAccessToken(other)
    return [{ params: theirs }, { params: { ...theirs, user: tenant.userId } }]
  },
}

export const oauthExamples: Examples = {
  'consumers.list': none,
  'consumers.create': { make: () => ({ body: { consumer: { description: 'a program' } } }) },
  'consumers.get': ofConsumer,
  'consumers.update': {
    make: async (tenant) => ({
      params: { id: (await aConsumer(tenant)).id },
      body: { consumer: { description: 'another one' } },
    }),
  },
  'consumers.delete': ofConsumer,
  'oauth1.request_token': {
    make: async (tenant) => {
      const keys = { consumer: await aConsumer(tenant) }
      const authorization = signedHeader(tenant.deps.config, `${below}/request_token`, keys)
      return { headers: { authorization, 'requested-project-id': tenant.projectId } }
    },
  },
  'oauth1.authorize': {
    make: async (tenant) => ({ params: { id: (await aRequestToken(tenant)).id }, body: { roles } }),
    foreign: async (tenant, other) => [
      { params: { id: (await aRequestToken(other)).id }, body: { roles } },
      { params: { id: (await aRequestToken(tenant)).id }, body: { roles: [{ name: 'admin' }] } },
    ],
  },
  'oauth1.access_token': {
    make: async (tenant) => {
      const { keys, verifier } = await anAuthorized(tenant)
      const more = { oauth_verifier: verifier }
      const authorization = signedHeader(tenant.deps.config, `${below}/access_token`, keys, more)
      return { headers: { authorization } }
    },
  },
  'access_tokens.list': {
    make: async (tenant) => ({ params: await anAccessToken(tenant) }),
    foreign: async (_tenant, other) => [{ params: await anAccessToken(other) }],
  },
  'access_tokens.get': ofToken,
  'access_tokens.delete': ofToken,
  'access_tokens.roles.list': ofToken,
  'access_tokens.roles.get': {
    make: async (tenant) => ({
      params: { ...(await anAccessToken(tenant)), role: await roleNamed(tenant.ctx, 'reader') },
    }),
  },
}
