import { onProjectCreated } from '../identity/service.ts'
import { registerPolicy } from '../kernel/policy.ts'
import { addOperations, defineFacade } from '../openstack/operation.ts'
import { registerService } from '../openstack/services.ts'
import { networkDiscovery, networkPath } from './openstack/discovery.ts'
import { networkOperations } from './openstack/operations.ts'
import { networkingPolicy } from './policy.ts'
import { ensureDefaultSecurityGroup } from './security-groups/service.ts'
import './documents.ts'
import './project-deletion.ts'
import './reconcile.ts'
import './reconcile-quota.ts'
import './workflows.ts'

registerPolicy(networkingPolicy)
registerService({ type: 'network', name: 'neutron', path: '/network' })
defineFacade({
  service: 'network',
  prefix: '/network',
  style: 'neutron',
  ids: 'uuid',
  canonicalPath: networkPath,
})
addOperations('network', [''], networkDiscovery)
addOperations('network', ['/v2.0'], networkOperations)
onProjectCreated(async (ctx, project) => {
  await ensureDefaultSecurityGroup(ctx, project.id)
})
