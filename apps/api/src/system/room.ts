import { defineRoom } from '../kernel/manifest.ts'
import { systemPolicy } from './policy.ts'
import { systemRouter } from './router.ts'

export const systemRoom = defineRoom({
  name: 'system',
  uses: ['hosts'],
  // The kind "transaction" is for events about a database transaction that holds back the event log.
  kinds: { transaction: {} },
  policy: systemPolicy,
  router: systemRouter,
})
