import { onProjectRemoved } from '../directory/service.ts'
import { defineRoom } from '../kernel/manifest.ts'
import { quotaPolicy } from './policy.ts'
import { quotaProof } from './reconcile.ts'
import { quotaRouter } from './router.ts'
import { forgetQuota } from './service.ts'

export const quotaRoom = defineRoom({
  name: 'quota',
  uses: ['directory'],
  kinds: { quota: {} },
  policy: quotaPolicy,
  router: quotaRouter,
  reconcilers: [quotaProof],
  joins() {
    onProjectRemoved(forgetQuota)
  },
})
