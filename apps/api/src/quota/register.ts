import { registerPolicy } from '../kernel/policy.ts'
import { quotaPolicy } from './policy.ts'

registerPolicy(quotaPolicy)
