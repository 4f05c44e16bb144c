import { defineRoom } from '../kernel/manifest.ts'
import { useCatalog } from '../openstack/services.ts'
import { filterOperations } from './filters/openstack.ts'
import { filterPolicy } from './filters/policy.ts'
import { limitOperations } from './limits/openstack.ts'
import { limitPolicy } from './limits/policy.ts'
import { endpointOperations } from './openstack/endpoints.ts'
import { regionOperations } from './openstack/regions.ts'
import { serviceOperations } from './openstack/services.ts'
import { catalogPolicy } from './policy.ts'
import { catalogRouter } from './router.ts'
import { wholeCatalog } from './service.ts'

export const catalogRoom = defineRoom({
  name: 'catalog',
  uses: ['directory'],
  kinds: { service: {}, endpoint: {}, region: {}, endpoint_group: {}, limit: {}, registered_limit: {} },
  policy: { ...catalogPolicy, ...limitPolicy, ...filterPolicy },
  router: catalogRouter,
  openstack: [
    {
      service: 'identity',
      operations: [
        {
          below: ['/v3'],
          operations: [
            ...serviceOperations,
            ...endpointOperations,
            ...regionOperations,
            ...limitOperations,
            ...filterOperations,
          ],
        },
      ],
    },
  ],
  joins() {
    useCatalog(wholeCatalog)
  },
})
