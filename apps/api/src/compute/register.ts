import { refuseImageDelete } from '../images/service.ts'
import { registerPolicy } from '../kernel/policy.ts'
import { refuseWhileInstancesUse } from './instances/service.ts'
import { registerNova } from './openstack/register.ts'
import { computePolicy } from './policy.ts'
import './documents.ts'
import './project-deletion.ts'
import './reconcile.ts'
import './workflows/create.ts'
import './workflows/delete.ts'
import './workflows/interfaces.ts'
import './workflows/power.ts'

registerPolicy(computePolicy)
registerNova()
refuseImageDelete(refuseWhileInstancesUse)
