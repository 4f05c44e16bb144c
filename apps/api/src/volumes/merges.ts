import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { hostsUp } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { answersAt, plainOp, whileAnswering } from '../kernel/hosts.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { specOf } from './pools.ts'

const hostsAtOnce = 16
const pool = specOf({ driver: 'files' })

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
    const wishes = await pLimit(hostsAtOnce).map(hosts, async (host) => ({
      host,
      ids: await mergeableOn(ctx, host),
    }))
    const merges = wishes.map(({ host, ids }) => mergeOn(ctx, host, ids))
    await Promise.race([Promise.all(merges), sleep(mergePatience.roundMs, undefined, { ref: false })])
  },
}

type Host = { id: string; name: string; endpoint: string }

/** The volumes whose layers the host can merge, those with the most such layers first. */
async function mergeableOn(ctx: Ctx, host: Host): Promise<string[]> {
  const drivers = ctx.deps.hosts.at(host.endpoint)
  try {
    const volumes = await whileAnswering(plainOp(ctx), drivers, (op) => drivers.volumes.listVolumes(op, pool))
    const wishes = volumes.filter(({ mergeable }) => mergeable > 0)
    return wishes.toSorted((a, b) => b.mergeable - a.mergeable).map(({ id }) => id)
  } catch (error) {
    ctx.log.warn({ err: error, host: host.name }, 'the layers of volumes could not be merged')
    return []
  }
}

/**
 * Merges these volumes of a host, one at a time, so that guests keep the most of the disk's speed. All of them have their
 * turn before any is tried again: a volume that cannot be merged holds up no other.
 */
async function mergeOn(ctx: Ctx, host: Host, ids: readonly string[]): Promise<void> {
  merging.add(host.id)
  try {
    for (const id of ids) if (!(await isTried(ctx, host, id))) return
  } finally {
    merging.delete(host.id)
  }
}

/** Merges the layers of one volume, or logs why they wait for another round. Returns false when the host is silent. */
async function isTried(ctx: Ctx, host: Host, id: string): Promise<boolean> {
  const drivers = ctx.deps.hosts.at(host.endpoint)
  try {
    await whileAnswering(plainOp(ctx, mergePatience.mergeMs), drivers, (op) =>
      drivers.volumes.mergeLayers(op, { id, pool }),
    )
    return true
  } catch (error) {
    // Another call on the volume ends a merge.
    ctx.log.info({ err: error, host: host.name, volume: id }, 'the layers of a volume wait')
    return answersAt(ctx, host.endpoint)
  }
}
