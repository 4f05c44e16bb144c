import { registerPolicy } from '../kernel/policy.ts'
import { addOperations } from '../openstack/operation.ts'
import { catalogOperations } from './openstack.ts'
import { catalogPolicy } from './policy.ts'

registerPolicy(catalogPolicy)
addOperations('identity', ['/v3'], catalogOperations)
