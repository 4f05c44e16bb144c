import { hostsForPlacement, type PlacementHost } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import type { PoolView } from './contract.ts'
import { poolName } from './pools.ts'

/**
 * The pools of the cloud, by name, with what lies there. The disk of each machine is a pool, also before its first volume
 * is made. Four queries, whatever the number of volumes.
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

/** How many volumes lie on each host, and how much they and their snapshots count. */
async function sumsOf(ctx: Ctx): Promise<ReadonlyMap<string, Sum>> {
  const [pools, volumes, snapshots] = await Promise.all([
    ctx.db.volumePool.findMany({ where: { hostId: { not: null } }, select: { id: true, hostId: true } }),
    ctx.db.volume.groupBy({ by: ['poolId'], _count: true, _sum: { reservedGib: true } }),
    ctx.db.volumeSnapshot.groupBy({ by: ['poolId'], _sum: { sizeGib: true } }),
  ])
  const ofSnapshots = new Map(snapshots.map(({ poolId, _sum }) => [poolId, _sum.sizeGib ?? 0]))
  const ofVolumes = new Map(volumes.map((group) => [group.poolId, group]))
  return new Map(
    pools.flatMap(({ id, hostId }): [string, Sum][] => {
      const own = ofVolumes.get(id)
      const gib = (own?._sum.reservedGib ?? 0) + (ofSnapshots.get(id) ?? 0)
      return hostId === null ? [] : [[hostId, { volumes: own?._count ?? 0, gib }]]
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
