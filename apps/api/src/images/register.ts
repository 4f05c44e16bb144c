import { registerPolicy } from '../kernel/policy.ts'
import { imagesPolicy } from './policy.ts'
import './project-deletion.ts'
import './reconcile.ts'
import './workflows.ts'

registerPolicy(imagesPolicy)
