import { diskRooms, hostsForPlacement } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import type { PoolView } from '../contract.ts'
import { placeWishOf } from '../types/row.ts'
import { typeFor } from '../types/service.ts'
import { type Candidate, candidatesOf, suited } from './candidates.ts'

/** A pool without what lies there, for which all volumes of the pool must be read. */
export type PlainPool = Omit<PoolView, 'volumes' | 'deletedVolumes' | 'volumesGib'>

/**
 * The pools of the cloud, by name, with what lies there. The disk of each machine is a pool, also before its first volume
 * is made. Reads all volumes and snapshots: see plainPools.
 */
export async function listPools(ctx: Ctx): Promise<PoolView[]> {
  return counted(ctx, await candidates(ctx), {})
}

/** The same without what lies there. Two queries, whatever the number of volumes. */
export const plainPools = async (ctx: Ctx): Promise<PlainPool[]> => (await candidates(ctx)).map(plainView)

/** Throws not_found for a name that no pool has. */
export async function getPool(ctx: Ctx, input: { name: string }): Promise<PoolView> {
  const found = (await candidates(ctx)).find(({ name }) => name === input.name)
  const [pool] = found ? await countedAmong(ctx, [found]) : []
  if (!pool) throw notFound('volume pool', input.name)
  return pool
}

/** The pools in which volumes of a type may lie. Throws invalid_input for a type that the caller may not use. */
export async function suitedPools(ctx: Ctx, type: string): Promise<PoolView[]> {
  const all = await candidates(ctx)
  return countedAmong(ctx, suited(all, placeWishOf(await typeFor(ctx, type))))
}

async function candidates(ctx: Ctx): Promise<Candidate[]> {
  authorize(ctx, 'volumePool:list')
  const [hosts, rows] = await Promise.all([hostsForPlacement(ctx), ctx.db.volumePool.findMany()])
  return candidatesOf(hosts, rows).sort((a, b) => (a.name < b.name ? -1 : 1))
}

const countedAmong = (ctx: Ctx, pools: readonly Candidate[]): Promise<PoolView[]> =>
  counted(ctx, pools, { poolId: { in: pools.flatMap(({ row }) => row?.id ?? []) } })

async function counted(ctx: Ctx, pools: readonly Candidate[], where: InPools): Promise<PoolView[]> {
  const disks = pools.flatMap((pool) => (pool.local ? pool.host.id : []))
  const [sums, rooms] = await Promise.all([sumsOf(ctx, where), diskRooms(ctx, disks)])
  return pools.map((pool) => {
    const { gib: volumesGib, ...counts } = sums.get(pool.row?.id ?? '') ?? nothing
    const room = pool.local ? rooms.get(pool.host.id) : undefined
    return { ...plainView(pool), ...(room ? promisedFrom(room, pool) : {}), ...counts, volumesGib }
  })
}

/** How much of a machine's disk is really there, and how often each GiB is promised. */
function promisedFrom(room: number, { totalGib }: Candidate): Pick<PlainPool, 'capacityGib' | 'overcommit'> {
  const capacityGib = Math.min(totalGib, room)
  return { capacityGib, overcommit: Math.round((totalGib / Math.max(1, capacityGib)) * 10) / 10 }
}

type InPools = { poolId?: { in: string[] } }
type Sum = Pick<PoolView, 'volumes' | 'deletedVolumes'> & { gib: number }
const nothing: Sum = { volumes: 0, deletedVolumes: 0, gib: 0 }

/** How many volumes lie in each pool, and how much they and their snapshots count. */
async function sumsOf(ctx: Ctx, where: InPools): Promise<ReadonlyMap<string, Sum>> {
  const [volumes, snapshots] = await Promise.all([
    ctx.db.volume.groupBy({
      ...{ by: ['poolId'], where, _sum: { reservedGib: true } },
      // Counts the rows that have a time until which they can be taken back.
      _count: { _all: true, trashedUntil: true },
    }),
    ctx.db.volumeSnapshot.groupBy({ by: ['poolId'], where, _sum: { sizeGib: true } }),
  ])
  const sums = new Map(
    volumes.map(({ poolId, _count, _sum }): [string, Sum] => [
      poolId,
      { volumes: _count._all, deletedVolumes: _count.trashedUntil, gib: _sum.reservedGib ?? 0 },
    ]),
  )
  for (const { poolId, _sum } of snapshots) {
    const sum = sums.get(poolId) ?? nothing
    sums.set(poolId, { ...sum, gib: sum.gib + (_sum.sizeGib ?? 0) })
  }
  return sums
}

function plainView(pool: Candidate): PlainPool {
  const { name, local, host, zone, totalGib, usedGib, closed, row } = pool
  return {
    ...{ id: name, name, description: row?.description ?? '', driver: row?.driver ?? 'files' },
    config: local ? {} : (pool.row.config as PoolView['config']),
    isLocal: local,
    enabled: row?.enabled ?? true,
    ...{ disabledReason: row?.disabledReason ?? null, frozen: row?.frozen ?? false },
    host: host && { id: host.id, name: host.name },
    ...{ zone, totalGib, capacityGib: row?.capacityGib ?? totalGib, overcommit: row?.overcommit ?? 1 },
    ...{ usedGib, closed },
  }
}
