import { defineRoom } from '../kernel/manifest.ts'
import { kernelKept } from '../kernel/retention.ts'
import { operationsPolicy } from './policy.ts'
import { operationsReconcilers } from './reconcile.ts'
import { operationsRouter } from './router.ts'

export const operationsRoom = defineRoom({
  name: 'operations',
  // compute has maskVerdicts, which decides how much of a placement a caller sees.
  uses: ['directory', 'compute', 'hosts'],
  kinds: {},
  policy: operationsPolicy,
  router: operationsRouter,
  reconcilers: operationsReconcilers,
  // The kernel is no room, so its tables are kept by this manifest.
  kept: kernelKept,
})
