import { registerPolicy } from '../kernel/policy.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { identityPolicy } from './policy.ts'

registerPolicy(identityPolicy)

/** Tokens that have run out are dead already; this only keeps the table small. */
defineReconciler({
  name: 'identity.expired-tokens',
  everyMs: 60_000,
  async run(ctx) {
    await ctx.db.$executeRaw`DELETE FROM "Token" WHERE "hash" IN (
      SELECT "hash" FROM "Token" WHERE "expiresAt" < clock_timestamp() LIMIT 10000)`
  },
})
