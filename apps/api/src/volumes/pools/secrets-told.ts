import type { Reconciler } from '../../kernel/reconciler.ts'
import { reachOf } from './reach.ts'

/**
 * Tells every machine the secrets of the pools that it reaches, which it needs for its guests' volumes: a machine may have
 * been added, or have been away when a pool was made.
 */
export const toldSecrets: Reconciler = {
  name: 'volumes.pools.secrets',
  everyMs: 60_000,
  async run(ctx) {
    for (const pool of await ctx.db.volumePool.findMany({ where: { secrets: { not: null } } }))
      await reachOf(ctx, pool)
  },
}
