import { allServices, endpointsOf, serviceId } from '../openstack/services.ts'
import type { Examples, Tenant } from '../openstack/testing.ts'
import { createEndpoint } from './endpoints.ts'
import { filterExamples } from './filters/testing.openstack.ts'
import { limitExamples } from './limits/testing.openstack.ts'
import { createRegion } from './regions.ts'
import { createService } from './services.ts'

const none = { make: () => ({}) }
const ownService = () => allServices().map(serviceId)[0] ?? ''
const fresh = () => `region ${crypto.randomUUID().slice(0, 8)}`

const aService = async ({ admin }: Tenant) => ({ id: (await createService(admin, { type: 'dns' })).id })
const aRegion = async ({ admin }: Tenant) => ({ id: (await createRegion(admin, { id: fresh() })).id })
const anEndpoint = async ({ admin }: Tenant) => {
  const input = {
    serviceId: ownService(),
    interface: 'public' as const,
    url: 'http://dns.test/v2/%(project_id)s',
    regionId: null,
  }
  return { id: (await createEndpoint(admin, input)).id }
}

/** Examples that succeed for the catalog's part of Keystone (openstack/testing.ts). */
export const catalogExamples: Examples = {
  'auth.catalog': none,
  'services.list': { make: () => ({ query: { type: 'identity' } }) },
  'services.get': { make: () => ({ params: { id: ownService() } }) },
  'services.create': {
    make: () => ({ body: { service: { type: 'dns', name: 'designate', description: null, enabled: true } } }),
  },
  'services.update': {
    make: async (tenant) => ({ params: await aService(tenant), body: { service: { name: 'z' } } }),
  },
  'services.delete': { make: async (tenant) => ({ params: await aService(tenant) }) },
  'endpoints.list': {
    make: ({ deps }) => ({ query: { interface: 'public', region_id: deps.config.region } }),
  },
  'endpoints.get': {
    make: ({ deps }) => ({
      params: { id: allServices().flatMap((s) => endpointsOf(deps.config, s, 'template'))[0]?.id ?? '' },
    }),
  },
  'endpoints.create': {
    make: async (tenant) => ({
      body: {
        endpoint: {
          service_id: (await aService(tenant)).id,
          interface: 'public',
          url: 'http://dns.test/v2/$(tenant_id)s',
          region: tenant.deps.config.region,
          enabled: true,
        },
      },
    }),
  },
  'endpoints.update': {
    make: async (tenant) => ({
      params: await anEndpoint(tenant),
      body: { endpoint: { url: 'https://dns.test/', region_id: tenant.deps.config.region } },
    }),
  },
  'endpoints.delete': { make: async (tenant) => ({ params: await anEndpoint(tenant) }) },
  'regions.list': none,
  'regions.get': { make: async (tenant) => ({ params: await aRegion(tenant) }) },
  'regions.create': {
    make: ({ deps }) => ({
      body: {
        region: { id: fresh(), description: 'x', parent_region_id: deps.config.region, enabled: true },
      },
    }),
  },
  'regions.put': {
    make: () => ({ params: { id: fresh() }, body: { region: { description: null, colour: 'green' } } }),
  },
  'regions.update': {
    make: async (tenant) => ({
      params: await aRegion(tenant),
      body: { region: { description: 'y', parent_region_id: null } },
    }),
  },
  'regions.delete': { make: async (tenant) => ({ params: await aRegion(tenant) }) },
  ...limitExamples,
  ...filterExamples,
}
