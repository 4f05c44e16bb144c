import { registerPolicy } from '../kernel/policy.ts'
import { operationsPolicy } from './policy.ts'

registerPolicy(operationsPolicy)
