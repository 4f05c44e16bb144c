import { defineRoom } from '../kernel/manifest.ts'
import { directoryReconcilers } from './backends/ldap/review.ts'
import { domainConfigOperations } from './domain-config/openstack.ts'
import { domainConfigRules } from './domain-config/service.ts'
import { directoryOperations } from './openstack/operations.ts'
import { directoryPolicy } from './policy.ts'
import { deletedDomains } from './projects/deleted-domains.ts'
import { projectDeletion } from './projects/deletion.ts'
import { directoryRouter } from './router.ts'

/** The directory: domains, projects, users, groups, and their roles. */
export const directoryRoom = defineRoom({
  name: 'directory',
  uses: [],
  kinds: { domain: {}, project: {}, user: {}, group: {}, role: {} },
  policy: { ...directoryPolicy, ...domainConfigRules },
  router: directoryRouter,
  openstack: [
    {
      service: 'identity',
      operations: [{ below: ['/v3'], operations: [...directoryOperations, ...domainConfigOperations] }],
    },
  ],
  workflows: [projectDeletion],
  reconcilers: [deletedDomains, ...directoryReconcilers],
})
