import type { VolumePoolModel } from '@stratolith/db'
import type { HostDrivers } from '@stratolith/drivers/host'
import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import { driversOf, hostState, hostsForPlacement } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import type { Run } from '../kernel/workflow.ts'
import { callSpecOf, reaches } from './pools.ts'

type Pool = Pick<
  VolumePoolModel,
  'id' | 'name' | 'driver' | 'config' | 'secrets' | 'shared' | 'capacityGib' | 'hostId' | 'zone'
>

/**
 * The drivers of the host that does the work in a pool, and what the host must know of the pool. Of the hosts that reach
 * a shared pool it is the one whose guest has the volume, because nobody else may change a volume in use.
 */
export async function driversFor(
  run: Run<unknown>,
  pool: Pool,
  volumeId?: string,
): Promise<{ drivers: HostDrivers; pool: PoolSpec; hostId: string }> {
  const ctx = { ...run.ctx, db: run.ctx.deps.root }
  const hostId = await hostFor(ctx, pool, volumeId)
  return { drivers: await driversOf(ctx, hostId), pool: callSpecOf(ctx, pool), hostId }
}

/** The same for a question that a request asks of a pool. */
export async function driversOfPool(ctx: Ctx, pool: Pool): Promise<{ drivers: HostDrivers; pool: PoolSpec }> {
  const drivers = await driversOf(ctx, await hostFor(ctx, pool))
  return { drivers, pool: callSpecOf(ctx, pool) }
}

/** That host by its id. */
export const hostFor = async (ctx: Ctx, pool: Pool, volumeId?: string): Promise<string> =>
  pool.hostId ?? (await hostOfUser(ctx, volumeId)) ?? (await anyHost(ctx, pool))

/** The host that gives the volume to a guest; null: none does. */
async function hostOfUser(ctx: Ctx, volumeId: string | undefined): Promise<string | null> {
  if (volumeId === undefined) return null
  const row = await ctx.db.volumeAttachment.findFirst({
    where: { volumeId, hostId: { not: null } },
    select: { hostId: true },
  })
  return row?.hostId ?? null
}

/**
 * A host that is up and reaches the shared pool; always the same one as long as its state does not change, so that calls
 * on one volume meet on one host.
 */
async function anyHost(ctx: Ctx, pool: Pool): Promise<string> {
  const hosts = (await hostsForPlacement(ctx)).filter((host) => reaches(pool, host) && host.state === 'up')
  const best = hosts.find(({ enabled }) => enabled) ?? hosts[0]
  if (!best)
    throw new CloudError('unavailable', 'None of the machines that reach the pool answers.', {
      detail: `pool ${pool.name}`,
    })
  return best.id
}

/** A machine that is declared to be off is not asked. If it comes back, the tombstone removes the data (reconcile.ts). */
export const isOnFencedHost = async (run: Run<unknown>, pool: { hostId: string | null }): Promise<boolean> =>
  pool.hostId !== null && (await hostState({ db: run.ctx.deps.root }, pool.hostId)) === 'fenced'
