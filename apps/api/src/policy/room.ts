import { defineRoom } from '../kernel/manifest.ts'
import { policyOperations } from './openstack.ts'
import { policyPolicy } from './policy.ts'
import { policyRouter } from './router.ts'
import { storedPolicyOperations } from './stored/openstack.ts'
import { storedPolicyRules } from './stored/service.ts'

export const policyRoom = defineRoom({
  name: 'policy',
  uses: ['directory'],
  kinds: { policy: {} },
  policy: { ...policyPolicy, ...storedPolicyRules },
  router: policyRouter,
  openstack: [
    {
      service: 'identity',
      operations: [{ below: ['/v3'], operations: [...policyOperations, ...storedPolicyOperations] }],
    },
  ],
})
