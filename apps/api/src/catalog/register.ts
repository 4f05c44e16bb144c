import { registerPolicy } from '../kernel/policy.ts'
import { addOperations } from '../openstack/operation.ts'
import { useCatalog } from '../openstack/services.ts'
import { endpointOperations } from './openstack/endpoints.ts'
import { regionOperations } from './openstack/regions.ts'
import { serviceOperations } from './openstack/services.ts'
import { catalogPolicy } from './policy.ts'
import { wholeCatalog } from './service.ts'

registerPolicy(catalogPolicy)
useCatalog(wholeCatalog)
addOperations('identity', ['/v3'], [...serviceOperations, ...endpointOperations, ...regionOperations])
