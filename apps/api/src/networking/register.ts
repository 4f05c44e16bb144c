import { onProjectCreated } from '../identity/service.ts'
import { registerPolicy } from '../kernel/policy.ts'
import { networkingPolicy } from './policy.ts'
import { ensureDefaultSecurityGroup } from './security-groups/service.ts'
import './project-deletion.ts'
import './reconcile.ts'
import './reconcile-quota.ts'
import './workflows.ts'

registerPolicy(networkingPolicy)
onProjectCreated(async (ctx, project) => {
  await ensureDefaultSecurityGroup(ctx, project.id)
})
