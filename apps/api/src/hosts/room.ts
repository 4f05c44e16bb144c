import { defineRoom } from '../kernel/manifest.ts'
import { documentReconcilers } from './document-reconcilers.ts'
import { hostsPolicy } from './policy.ts'
import { hostReconcilers } from './reconcile.ts'
import { hostsRouter } from './router.ts'
import { withdrawal } from './withdrawal.ts'

export const hostsRoom = defineRoom({
  name: 'hosts',
  uses: ['directory', 'quota'],
  // The kind "machine" is for events that tell a project of a host of its instances, which has fallen silent or answers again.
  kinds: { host: {}, machine: {}, aggregate: {} },
  policy: hostsPolicy,
  router: hostsRouter,
  reconcilers: [...hostReconcilers, withdrawal, ...documentReconcilers],
})
