import { registerPolicy } from '../kernel/policy.ts'
import { addOperations } from '../openstack/operation.ts'
import { useCatalog } from '../openstack/services.ts'
import { filterOperations } from './filters/openstack.ts'
import { filterPolicy } from './filters/policy.ts'
import { limitOperations } from './limits/openstack.ts'
import { limitPolicy } from './limits/policy.ts'
import { endpointOperations } from './openstack/endpoints.ts'
import { regionOperations } from './openstack/regions.ts'
import { serviceOperations } from './openstack/services.ts'
import { catalogPolicy } from './policy.ts'
import { wholeCatalog } from './service.ts'

registerPolicy({ ...catalogPolicy, ...limitPolicy, ...filterPolicy })
useCatalog(wholeCatalog)
addOperations(
  'identity',
  ['/v3'],
  [...serviceOperations, ...endpointOperations, ...regionOperations, ...limitOperations, ...filterOperations],
)
