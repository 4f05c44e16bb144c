import { registerPolicy } from '../kernel/policy.ts'
import { imagesPolicy } from './policy.ts'
import './reconcile.ts'
import './workflows.ts'

registerPolicy(imagesPolicy)
