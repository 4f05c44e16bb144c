import { hostsForPlacement } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import type { PoolView } from '../contract.ts'
import { placeWishOf } from '../types/row.ts'
import { typeFor } from '../types/service.ts'
import { type Candidate, candidatesOf, suited } from './candidates.ts'

/**
 * The pools of the cloud, by name, with what lies there. The disk of each machine is a pool, also before its first volume
 * is made. Four queries, whatever the number of volumes.
 */
export async function listPools(ctx: Ctx): Promise<PoolView[]> {
  authorize(ctx, 'volumePool:list')
  const [hosts, rows, sums] = await Promise.all([
    hostsForPlacement(ctx),
    ctx.db.volumePool.findMany(),
    sumsOf(ctx),
  ])
  return candidatesOf(hosts, rows)
    .map((pool) => viewOf(pool, sums.get(pool.row?.id ?? '')))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Throws not_found for a name that no pool has. */
export async function getPool(ctx: Ctx, input: { name: string }): Promise<PoolView> {
  const found = (await listPools(ctx)).find(({ name }) => name === input.name)
  if (!found) throw notFound('volume pool', input.name)
  return found
}

/** The pools in which volumes of a type may lie. Throws invalid_input for a type that the caller may not use. */
export async function suitedPools(ctx: Ctx, type: string): Promise<PoolView[]> {
  const wish = placeWishOf(await typeFor(ctx, type))
  const hosts = await hostsForPlacement(ctx)
  const names = new Set(
    suited(candidatesOf(hosts, await ctx.db.volumePool.findMany()), wish).map(({ name }) => name),
  )
  return (await listPools(ctx)).filter(({ name }) => names.has(name))
}

type Sum = { volumes: number; gib: number }

/** How many volumes lie in each pool, and how much they and their snapshots count. */
async function sumsOf(ctx: Ctx): Promise<ReadonlyMap<string, Sum>> {
  const [volumes, snapshots] = await Promise.all([
    ctx.db.volume.groupBy({ by: ['poolId'], _count: true, _sum: { reservedGib: true } }),
    ctx.db.volumeSnapshot.groupBy({ by: ['poolId'], _sum: { sizeGib: true } }),
  ])
  const sums = new Map(
    volumes.map(({ poolId, _count, _sum }): [string, Sum] => [
      poolId,
      { volumes: _count, gib: _sum.reservedGib ?? 0 },
    ]),
  )
  for (const { poolId, _sum } of snapshots) {
    const { volumes: count, gib } = sums.get(poolId) ?? { volumes: 0, gib: 0 }
    sums.set(poolId, { volumes: count, gib: gib + (_sum.sizeGib ?? 0) })
  }
  return sums
}

function viewOf(pool: Candidate, sum: Sum = { volumes: 0, gib: 0 }): PoolView {
  const { name, local, host, zone, totalGib, usedGib, closed, row } = pool
  return {
    ...{ id: name, name, description: row?.description ?? '', driver: row?.driver ?? 'files' },
    config: local ? {} : (pool.row.config as PoolView['config']),
    isLocal: local,
    enabled: row?.enabled ?? true,
    ...{ disabledReason: row?.disabledReason ?? null, frozen: row?.frozen ?? false },
    host: host && { id: host.id, name: host.name },
    ...{ zone, totalGib, capacityGib: row?.capacityGib ?? totalGib, overcommit: row?.overcommit ?? 1 },
    ...{ usedGib, volumesGib: sum.gib, volumes: sum.volumes, closed },
  }
}
