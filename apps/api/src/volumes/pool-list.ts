import { hostsForPlacement, type PlacementHost } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import type { PoolView } from './contract.ts'
import { poolName } from './pools.ts'

/**
 * The pools of the cloud, by name, with what lies there. The disk of each machine is a pool, also before its first volume
 * is made. Two queries, whatever the number of volumes.
 */
export async function listPools(ctx: Ctx): Promise<PoolView[]> {
  authorize(ctx, 'volumePool:list')
  const [hosts, sums] = await Promise.all([hostsForPlacement(ctx), sumsOf(ctx)])
  return hosts.map((host) => viewOf(host, sums.get(host.id)))
}

/** Throws not_found for a name that no pool has. */
export async function getPool(ctx: Ctx, input: { name: string }): Promise<PoolView> {
  const found = (await listPools(ctx)).find(({ name }) => name === input.name)
  if (!found) throw notFound('volume pool', input.name)
  return found
}

type Sum = { volumes: number; gib: number }

/** How many volumes lie on each host, and how much they count. */
async function sumsOf(ctx: Ctx): Promise<ReadonlyMap<string, Sum>> {
  const [pools, groups] = await Promise.all([
    ctx.db.volumePool.findMany({ where: { hostId: { not: null } }, select: { id: true, hostId: true } }),
    ctx.db.volume.groupBy({ by: ['poolId'], _count: true, _sum: { reservedGib: true } }),
  ])
  const hostOf = new Map(pools.map(({ id, hostId }) => [id, hostId]))
  return new Map(
    groups.flatMap(({ poolId, _count, _sum }): [string, Sum][] => {
      const hostId = hostOf.get(poolId)
      return hostId ? [[hostId, { volumes: _count, gib: _sum.reservedGib ?? 0 }]] : []
    }),
  )
}

const viewOf = (host: PlacementHost, sum: Sum = { volumes: 0, gib: 0 }): PoolView => ({
  id: poolName(host),
  name: poolName(host),
  driver: 'files',
  host: { id: host.id, name: host.name },
  zone: host.zone,
  totalGib: host.diskGib.total,
  usedGib: host.diskGib.used,
  volumesGib: sum.gib,
  volumes: sum.volumes,
  closed: whyClosed(host),
})

function whyClosed({ state, enabled, disabledReason }: PlacementHost): string | null {
  if (state !== 'up') return 'The machine does not answer.'
  if (enabled) return null
  return disabledReason ? `The machine is closed: ${disabledReason}` : 'The machine is closed.'
}
