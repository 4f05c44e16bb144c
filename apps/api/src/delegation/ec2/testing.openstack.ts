import { createHmac } from 'node:crypto'
import { makeRoom } from '../../identity/credentials/testing.openstack.ts'
import type { Examples, Tenant } from '../../openstack/testing.ts'
import { createEc2Credential } from './service.ts'

async function makeEc2(tenant: Tenant) {
  await makeRoom(tenant)
  return createEc2Credential(tenant.ctx, { projectId: tenant.projectId })
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

export const ec2Examples: Examples = {
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
