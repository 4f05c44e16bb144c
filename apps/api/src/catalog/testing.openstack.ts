import { allServices, endpointsOf, serviceId } from '../openstack/services.ts'
import type { Examples } from '../openstack/testing.ts'

const none = { make: () => ({}) }

/** Requests of the catalog's part of Keystone that succeed (openstack/testing.ts). */
export const catalogExamples: Examples = {
  'auth.catalog': none,
  'services.list': none,
  'services.get': { make: () => ({ params: { id: allServices().map(serviceId)[0] ?? '' } }) },
  'endpoints.list': none,
  'endpoints.get': {
    make: ({ deps }) => ({
      params: { id: allServices().flatMap((s) => endpointsOf(deps.config, s, 'template'))[0]?.id ?? '' },
    }),
  },
  'regions.list': none,
  'regions.get': { make: ({ deps }) => ({ params: { id: deps.config.region } }) },
}
