import { registerPolicy } from '../kernel/policy.ts'
import { addOperations } from '../openstack/operation.ts'
import { policyOperations } from './openstack.ts'
import { policyPolicy } from './policy.ts'

registerPolicy(policyPolicy)
addOperations('identity', ['/v3'], policyOperations)
