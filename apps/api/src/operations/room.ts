import { defineRoom } from '../kernel/manifest.ts'
import { kernelKept } from '../kernel/retention.ts'
import { operationsPolicy } from './policy.ts'
import { operationsReconcilers } from './reconcile.ts'
import { operationsRouter } from './router.ts'

export const operationsRoom = defineRoom({
  name: 'operations',
  // What a placement says to whom (maskVerdicts) is compute's.
  uses: ['directory', 'compute'],
  kinds: {},
  policy: operationsPolicy,
  router: operationsRouter,
  reconcilers: operationsReconcilers,
  // The kernel has no room of its own.
  kept: kernelKept,
})
