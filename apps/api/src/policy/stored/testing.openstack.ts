import { none } from '../../directory/openstack/testing.shared.ts'
import type { Examples, Tenant } from '../../openstack/testing.ts'
import { createStoredPolicy } from './service.ts'

const policy = { type: 'application/json', blob: '{"default": false}' }
const one = async ({ admin }: Tenant) => ({ params: { id: (await createStoredPolicy(admin, policy)).id } })

export const storedPolicyExamples: Examples = {
  'policies.list': none,
  'policies.create': { make: () => ({ body: { policy } }) },
  'policies.get': { make: one },
  'policies.update': {
    make: async (tenant) => ({ ...(await one(tenant)), body: { policy: { blob: '{}' } } }),
  },
  'policies.delete': { make: one },
}
