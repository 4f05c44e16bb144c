import { driversOf, hostState } from '../hosts/service.ts'
import { invariant } from '../kernel/errors.ts'
import type { Run } from '../kernel/workflow.ts'
import { specOf } from './pools.ts'

type Pool = { name: string; driver: string; hostId: string | null }

/** The drivers of the host that reaches a pool, and what the host must know of the pool. */
export async function driversFor(run: Run<unknown>, pool: Pool) {
  invariant(pool.hostId !== null, `no host reaches the pool ${pool.name}`)
  const drivers = await driversOf({ ...run.ctx, db: run.ctx.deps.root }, pool.hostId)
  return { drivers, pool: specOf(pool) }
}

/** A machine that is declared to be off is not asked. If it comes back, the tombstone removes the data (reconcile.ts). */
export const isOnFencedHost = async (run: Run<unknown>, pool: Pool): Promise<boolean> =>
  pool.hostId !== null && (await hostState({ db: run.ctx.deps.root }, pool.hostId)) === 'fenced'
