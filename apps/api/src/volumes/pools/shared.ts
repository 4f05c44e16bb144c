import pLimit from 'p-limit'
import { driversOf, hostsForPlacement } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { plainOp, whileAnswering } from '../../kernel/hosts.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'
import { reaches, specOf } from '../pools.ts'
import { type ReachedPool, reachOf } from './reach.ts'

const poolsAtOnce = 4

/**
 * Keeps the owners in shared pools true. A host that was started again ends what its killed calls have claimed, when it is
 * asked for the pool. What a host has that is declared to be off is given up by another host.
 */
export const sharedPools: Reconciler = {
  name: 'volumes.shared-pools',
  everyMs: 60_000,
  async run(ctx) {
    const pools = await ctx.db.volumePool.findMany({ where: { shared: true } })
    await pLimit(poolsAtOnce).map(pools, async (pool) => {
      const reached = (await reachOf(ctx, pool)).filter(({ problem }) => problem === null)
      const [first] = reached
      if (first) await disownFenced(ctx, pool, first.host.id)
    })
  },
}

async function disownFenced(ctx: Ctx, pool: ReachedPool, hostId: string): Promise<void> {
  const fenced = (await hostsForPlacement(ctx)).filter(
    (host) => host.state === 'fenced' && reaches(pool, host),
  )
  if (fenced.length === 0) return
  const drivers = await driversOf(ctx, hostId)
  for (const { name } of fenced)
    await whileAnswering(plainOp(ctx), drivers, (op) =>
      drivers.volumes.disown(op, { pool: specOf(pool), host: name }),
    ).catch((error) =>
      ctx.log.warn({ err: error, host: name, pool: pool.id }, 'a host off keeps its volumes'),
    )
}
