import { registerPolicy } from '../kernel/policy.ts'
import { systemPolicy } from './policy.ts'

registerPolicy(systemPolicy)
