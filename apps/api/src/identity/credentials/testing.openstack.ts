import { createHmac } from 'node:crypto'
import { hexId } from '../../kernel/testing.ts'
import type { Examples, Tenant } from '../../openstack/testing.ts'
import { none } from '../openstack/testing.shared.ts'
import { createEc2Credential } from './ec2.ts'
import { createCredential } from './service.ts'

const blob = () => JSON.stringify({ access: hexId(), secret: hexId() })
const body = (at: { userId: string; projectId: string }) => ({
  credential: { user_id: at.userId, project_id: at.projectId, type: 'ec2', blob: blob() },
})
/** A user has so many at most; the table asks for more. */
async function makeRoom({ ctx, userId }: Tenant): Promise<void> {
  if ((await ctx.deps.root.credential.count({ where: { userId } })) > 150)
    await ctx.deps.root.credential.deleteMany({ where: { userId } })
}
async function make(tenant: Tenant): Promise<string> {
  await makeRoom(tenant)
  const { userId, projectId } = tenant
  return (await createCredential(tenant.ctx, { userId, projectId, type: 'ec2', blob: blob() })).id
}
async function makeEc2(tenant: Tenant) {
  await makeRoom(tenant)
  return createEc2Credential(tenant.ctx, { projectId: tenant.projectId })
}
const aCredential = {
  make: async (tenant: Tenant) => ({ params: { id: await make(tenant) } }),
  foreign: async (_tenant: Tenant, other: Tenant) => [{ params: { id: await make(other) } }],
}
const anEc2 = {
  make: async (tenant: Tenant) => ({
    params: { user_id: tenant.userId, access: (await makeEc2(tenant)).access },
  }),
  foreign: async (tenant: Tenant, other: Tenant) => {
    const { access } = await makeEc2(other)
    return [{ params: { user_id: other.userId, access } }, { params: { user_id: tenant.userId, access } }]
  },
}

export const credentialExamples: Examples = {
  'credentials.list': {
    ...none,
    foreign: (_tenant, other) => [{ query: { user_id: other.userId, type: 'ec2' } }],
  },
  'credentials.create': {
    make: async (tenant) => {
      await makeRoom(tenant)
      return { body: body(tenant) }
    },
    foreign: (tenant, other) => [
      { body: body(other) },
      { body: body({ userId: tenant.userId, projectId: other.projectId }) },
      { body: body({ userId: other.userId, projectId: tenant.projectId }) },
    ],
  },
  'credentials.get': aCredential,
  'credentials.update': {
    make: async (tenant) => ({
      params: { id: await make(tenant) },
      body: { credential: { blob: blob(), type: 'ec2', project_id: tenant.projectId } },
    }),
    foreign: async (tenant, other) => [
      { params: { id: await make(other) }, body: { credential: { blob: blob() } } },
      { params: { id: await make(tenant) }, body: { credential: { user_id: other.userId } } },
      { params: { id: await make(tenant) }, body: { credential: { project_id: other.projectId } } },
    ],
  },
  'credentials.delete': aCredential,
  'ec2_credentials.list': {
    make: ({ userId }) => ({ params: { user_id: userId } }),
    foreign: (_tenant, other) => [{ params: { user_id: other.userId } }],
  },
  'ec2_credentials.create': {
    make: async (tenant) => {
      await makeRoom(tenant)
      return { params: { user_id: tenant.userId }, body: { tenant_id: tenant.projectId } }
    },
    foreign: (tenant, other) => [
      { params: { user_id: other.userId }, body: { tenant_id: other.projectId } },
      { params: { user_id: tenant.userId }, body: { tenant_id: other.projectId } },
    ],
  },
  'ec2_credentials.get': anEc2,
  'ec2_credentials.delete': anEc2,
  'ec2tokens.create': {
    make: async (tenant) => {
      const { access, secret } = await makeEc2(tenant)
      const params = {
        AWSAccessKeyId: access,
        Action: 'Test',
        SignatureMethod: 'HmacSHA256',
        SignatureVersion: '2',
        Timestamp: new Date().toISOString(),
      }
      const query = Object.entries(params)
        .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
        .join('&')
      const signature = createHmac('sha256', secret).update(`GET\nec2.test\n/\n${query}`).digest('base64')
      return {
        body: { credentials: { access, signature, host: 'ec2.test', verb: 'GET', path: '/', params } },
      }
    },
  },
}
