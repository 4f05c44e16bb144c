import { defineRoom } from '../kernel/manifest.ts'
import { systemPolicy } from './policy.ts'
import { systemRouter } from './router.ts'

export const systemRoom = defineRoom({
  name: 'system',
  uses: ['hosts'],
  // A transaction in the database that holds back the event log.
  kinds: { transaction: {} },
  policy: systemPolicy,
  router: systemRouter,
})
