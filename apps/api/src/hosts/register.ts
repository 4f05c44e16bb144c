import { registerPolicy } from '../kernel/policy.ts'
import { hostsPolicy } from './policy.ts'
import './reconcile.ts'
import './withdrawal.ts'

registerPolicy(hostsPolicy)
