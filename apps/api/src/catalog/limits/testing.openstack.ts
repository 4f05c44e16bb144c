import { allServices, serviceId } from '../../openstack/services.ts'
import type { Examples, Tenant } from '../../openstack/testing.ts'
import { createRegisteredLimits } from './registered.ts'
import { createLimits } from './service.ts'

const ownService = () => allServices().map(serviceId)[0] ?? ''
const wish = () => ({
  service_id: ownService(),
  resource_name: `things ${crypto.randomUUID()}`,
  default_limit: 10,
  description: 'How many there may be',
})

async function aRegisteredLimit({ admin }: Tenant): Promise<{ id: string; resourceName: string }> {
  const { resource_name, default_limit } = wish()
  const input = { serviceId: ownService(), resourceName: resource_name, defaultLimit: default_limit }
  const [made] = await createRegisteredLimits(admin, [input])
  return { id: made?.id ?? '', resourceName: resource_name }
}
async function aLimit(tenant: Tenant): Promise<{ id: string }> {
  const { resourceName } = await aRegisteredLimit(tenant)
  const { projectId, admin } = tenant
  const input = { serviceId: ownService(), resourceName, projectId, resourceLimit: 5 }
  const [made] = await createLimits(admin, [input])
  return { id: made?.id ?? '' }
}
const ofRegistered = {
  make: async (tenant: Tenant) => ({ params: { id: (await aRegisteredLimit(tenant)).id } }),
}
const ofLimit = { make: async (tenant: Tenant) => ({ params: await aLimit(tenant) }) }

export const limitExamples: Examples = {
  'registered_limits.list': { make: () => ({ query: { service_id: ownService() } }) },
  'registered_limits.create': {
    make: ({ deps }) => ({
      body: { registered_limits: [{ ...wish(), region_id: deps.config.region }, wish()] },
    }),
  },
  'registered_limits.get': ofRegistered,
  'registered_limits.update': {
    make: async (tenant) => ({
      params: { id: (await aRegisteredLimit(tenant)).id },
      body: { registered_limit: { ...wish(), region_id: tenant.deps.config.region } },
    }),
  },
  'registered_limits.delete': ofRegistered,
  'limits.model': { make: () => ({}) },
  'limits.list': {
    make: ({ projectId }) => ({ query: { project_id: projectId } }),
    foreign: (_tenant, other) => [{ query: { project_id: other.projectId } }],
  },
  'limits.create': {
    make: async (tenant) => {
      const { resourceName: resource_name } = await aRegisteredLimit(tenant)
      const limit = { service_id: ownService(), resource_name, resource_limit: 5, description: 'Fewer' }
      return {
        body: {
          limits: [
            { ...limit, project_id: tenant.projectId },
            { ...limit, domain_id: tenant.domainId },
          ],
        },
      }
    },
  },
  'limits.get': {
    ...ofLimit,
    foreign: async (_tenant, other) => [{ params: await aLimit(other) }],
  },
  'limits.update': {
    make: async (tenant) => ({
      params: await aLimit(tenant),
      body: { limit: { resource_limit: 7, description: null } },
    }),
  },
  'limits.delete': ofLimit,
}
