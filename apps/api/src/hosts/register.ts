import { registerPolicy } from '../kernel/policy.ts'
import { hostsPolicy } from './policy.ts'
import './reconcile.ts'

registerPolicy(hostsPolicy)
