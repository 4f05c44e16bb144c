import { defineRoom } from '../kernel/manifest.ts'
import { policyOperations } from './openstack.ts'
import { policyPolicy } from './policy.ts'
import { policyRouter } from './router.ts'

export const policyRoom = defineRoom({
  name: 'policy',
  uses: ['identity'],
  kinds: {},
  policy: policyPolicy,
  router: policyRouter,
  openstack: [{ service: 'identity', operations: [{ below: ['/v3'], operations: policyOperations }] }],
})
