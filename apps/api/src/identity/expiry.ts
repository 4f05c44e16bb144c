import type { Reconciler } from '../kernel/reconciler.ts'
import { dropOldLimits } from './limits.ts'
import { dropExpiredReceipts } from './multi-factor/receipts.ts'

/** Expired rows are not valid any more; deleting them only keeps the tables small. */
export const expiry: Reconciler = {
  name: 'identity.expired-tokens',
  everyMs: 60_000,
  async run(ctx) {
    await ctx.db.$executeRaw`DELETE FROM "Token" WHERE "hash" IN (
      SELECT "hash" FROM "Token" WHERE "expiresAt" < clock_timestamp() LIMIT 10000)`
    await dropExpiredReceipts(ctx)
    await dropOldLimits(ctx.deps)
  },
}
