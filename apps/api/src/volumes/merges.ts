import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolSpec, VolumeKey } from '@stratolith/drivers/volumes/interface'
import pLimit from 'p-limit'
import { hostsUp } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { answersAt, plainOp, whileAnswering } from '../kernel/hosts.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { poolsByHost } from './pools/of-hosts.ts'

const hostsAtOnce = 16

/**
 * How long one merge may take, and how long a round waits for its merges; those that take longer go on without the
 * round. These are variables only for tests.
 */
export const mergePatience = { mergeMs: 12 * 3_600_000, roundMs: 20_000 }

/** The ids of the hosts on which this process merges layers at the moment. */
const merging = new Set<string>()

/** Merges the layers of volumes that nothing needs any more since snapshots of them were removed. */
export const volumeLayers: Reconciler = {
  name: 'volumes.layers',
  everyMs: 300_000,
  async run(ctx) {
    const hosts = (await hostsUp(ctx)).filter(({ id }) => !merging.has(id))
    const pools = await poolsByHost(ctx)
    const wishes = await pLimit(hostsAtOnce).map(hosts, async (host) => ({
      host,
      keys: await mergeableOn(ctx, host, pools.get(host.id) ?? []),
    }))
    const merges = wishes.map(({ host, keys }) => mergeOn(ctx, host, keys))
    await Promise.race([Promise.all(merges), sleep(mergePatience.roundMs, undefined, { ref: false })])
  },
}

type Host = { id: string; name: string; endpoint: string }

/** The volumes whose layers the host can merge, those with the most such layers first. */
async function mergeableOn(ctx: Ctx, host: Host, pools: readonly PoolSpec[]): Promise<VolumeKey[]> {
  const drivers = ctx.deps.hosts.at(host.endpoint)
  const found: (VolumeKey & { mergeable: number })[] = []
  for (const pool of pools)
    try {
      const volumes = await whileAnswering(plainOp(ctx), drivers, (op) =>
        drivers.volumes.listVolumes(op, pool),
      )
      found.push(...volumes.flatMap(({ id, mergeable }) => (mergeable > 0 ? { id, pool, mergeable } : [])))
    } catch (error) {
      ctx.log.warn(
        { err: error, host: host.name, pool: pool.id },
        'the layers of volumes could not be merged',
      )
    }
  return found.toSorted((a, b) => b.mergeable - a.mergeable).map(({ id, pool }) => ({ id, pool }))
}

/**
 * Merges these volumes of a host, one at a time, so that guests keep the most of the disk's speed. All of them have their
 * turn before any is tried again: a volume that cannot be merged holds up no other.
 */
async function mergeOn(ctx: Ctx, host: Host, keys: readonly VolumeKey[]): Promise<void> {
  merging.add(host.id)
  try {
    for (const key of keys) if (!(await isTried(ctx, host, key))) return
  } finally {
    merging.delete(host.id)
  }
}

/** Merges the layers of one volume, or logs why they wait for another round. Returns false when the host is silent. */
async function isTried(ctx: Ctx, host: Host, key: VolumeKey): Promise<boolean> {
  const drivers = ctx.deps.hosts.at(host.endpoint)
  try {
    await whileAnswering(plainOp(ctx, mergePatience.mergeMs), drivers, (op) =>
      drivers.volumes.mergeLayers(op, key),
    )
    return true
  } catch (error) {
    // Another call on the volume ends a merge.
    ctx.log.info({ err: error, host: host.name, volume: key.id }, 'the layers of a volume wait')
    return answersAt(ctx, host.endpoint)
  }
}
