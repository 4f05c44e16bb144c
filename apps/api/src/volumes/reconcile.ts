import type { HostDrivers } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import pLimit from 'p-limit'
import { hostsUp, sweep } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { plainOp, whileAnswering } from '../kernel/hosts.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { buriedAmong, laidToRest } from '../kernel/tombstones.ts'
import { followMoves } from './moves/follow.ts'
import { localPool } from './pools/drivers.ts'
import { poolsByHost } from './pools/of-hosts.ts'

const hostsAtOnce = 16

/**
 * Removes the data of deleted volumes and snapshots that a host still has, such as after a restored backup. Volumes that no row knows
 * and nobody has deleted are left alone.
 */
export const volumeLeftovers: Reconciler = {
  name: 'volumes.leftovers',
  everyMs: 60_000,
  async run(ctx) {
    const pools = await poolsByHost(ctx)
    await pLimit(hostsAtOnce).map(await hostsUp(ctx), (host) =>
      removeLeftovers(ctx, host, pools.get(host.id) ?? []).catch((error) =>
        ctx.log.warn({ err: error, host: host.name }, 'the volumes of a host could not be compared'),
      ),
    )
  },
}

/** A kind of things that lie in pools. */
type InPool = { pool: PoolSpec; hostId: string }
type Kept = {
  kind: 'volume' | 'volumeSnapshot'
  /** What lies in the pool. */
  list(ctx: Ctx, place: Place, pool: PoolSpec): Promise<{ id: string }[]>
  remove(op: Op, drivers: HostDrivers, key: { id: string; pool: PoolSpec }): Promise<void>
  /** Those of the ids that a row knows in this pool. */
  known(ctx: Ctx, ids: readonly string[], place: InPool): Promise<{ id: string }[]>
}
const kinds: Kept[] = [
  {
    kind: 'volumeSnapshot',
    list: (_ctx, { op, drivers }, pool) => drivers.volumes.listSnapshots(op, pool),
    remove: (op, drivers, key) => drivers.volumes.removeSnapshot(op, key),
    known: (ctx, ids) =>
      ctx.db.volumeSnapshot.findMany({ where: { id: { in: [...ids] } }, select: { id: true } }),
  },
  {
    kind: 'volume',
    async list(ctx, { op, drivers, host }, pool) {
      const found = await drivers.volumes.listVolumes(op, pool)
      // Before anything is removed: a row that follows says what is left.
      await followMoves(ctx, { op, drivers, hostId: host.id, pool }, found).catch((err: unknown) =>
        ctx.log.warn({ err, host: host.name }, 'volumes could not be followed to where they have moved'),
      )
      return found
    },
    remove: (op, drivers, key) => drivers.volumes.removeVolume(op, key),
    // A volume that was moved may have left data in its old pool, and lies in two pools while it is being moved.
    async known(ctx, ids, place) {
      const row = await ctx.db.volumePool.findFirst({ where: rowOf(place), select: { id: true } })
      const there = row === null ? [] : [{ poolId: row.id }, { movingToId: row.id }]
      return ctx.db.volume.findMany({ where: { id: { in: [...ids] }, OR: there }, select: { id: true } })
    },
  },
]

const rowOf = ({ pool, hostId }: InPool) =>
  pool.id === localPool.id ? { hostId, capacityGib: null } : { id: pool.id }

type Host = { id: string; name: string; endpoint: string }

async function removeLeftovers(ctx: Ctx, host: Host, pools: readonly PoolSpec[]): Promise<void> {
  const drivers = ctx.deps.hosts.at(host.endpoint)
  await whileAnswering(plainOp(ctx), drivers, async (op) => {
    // An older agent may know volumes and no snapshots, so a kind that cannot be compared does not stop the next.
    for (const one of kinds)
      await removeKind(ctx, { op, host, drivers, pools }, one).catch((error) =>
        ctx.log.warn(
          { err: error, host: host.name, kind: one.kind },
          'what a host has could not be compared',
        ),
      )
  })
}

type Place = { op: Op; host: Host; drivers: HostDrivers; pools: readonly PoolSpec[] }

async function removeKind(ctx: Ctx, place: Place, one: Kept): Promise<void> {
  const { op, host, drivers } = place
  const { kind, known: knownAmong } = one
  const left: string[] = []
  let isWhole = true
  for (const pool of place.pools)
    try {
      const ids = (await one.list(ctx, place, pool)).map(({ id }) => id)
      const inPool = { pool, hostId: host.id }
      // A disk without volumes needs no question.
      const known = new Set((ids.length > 0 ? await knownAmong(ctx, ids, inPool) : []).map((row) => row.id))
      const buried = await buriedAmong(ctx, kind, ids, host.id)
      const found = ids.flatMap((id) => (buried.has(id) ? { id } : []))
      const isKnown = async (id: string) => (await knownAmong(ctx, [id], inPool)).length > 0
      const look = { hostId: host.id, kind, found, known, buried, isKnown }
      const gone = await sweep(ctx, look, ({ id }) => one.remove(op, drivers, { id, pool }))
      left.push(...ids.filter((id) => !gone.has(id)))
    } catch (error) {
      // A pool that cannot be listed does not stop the others.
      isWhole = false
      ctx.log.warn({ err: error, host: host.name, pool: pool.id, kind }, 'a pool could not be compared')
    }
  if (isWhole) await laidToRest(ctx, kind, host.id, left)
}
