import { registerPolicy } from '../kernel/policy.ts'
import { operationsPolicy } from './policy.ts'
import './reconcile.ts'

registerPolicy(operationsPolicy)
