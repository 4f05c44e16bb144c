import type { Ctx } from '../../kernel/context.ts'
import { authorize } from '../../kernel/policy.ts'

export type PoolUsage = {
  projectId: string
  volumes: number
  volumeGib: number
  snapshots: number
  snapshotGib: number
}

/** What each project has in a pool, by project. */
export async function usagePool(ctx: Ctx, name: string): Promise<PoolUsage[]> {
  authorize(ctx, 'volumePool:list')
  const pool = await ctx.db.volumePool.findUnique({ where: { name }, select: { id: true } })
  if (!pool) return []
  const of = { by: ['projectId'] as 'projectId'[], where: { poolId: pool.id }, _count: true as const }
  const [volumes, snapshots] = await Promise.all([
    ctx.db.volume.groupBy({ ...of, _sum: { sizeGib: true } }),
    ctx.db.volumeSnapshot.groupBy({ ...of, _sum: { sizeGib: true } }),
  ])
  const found = new Map<string, PoolUsage>()
  const at = (projectId: string): PoolUsage => {
    const known = found.get(projectId) ?? {
      projectId,
      volumes: 0,
      volumeGib: 0,
      snapshots: 0,
      snapshotGib: 0,
    }
    found.set(projectId, known)
    return known
  }
  for (const { projectId, _count, _sum } of volumes)
    Object.assign(at(projectId), { volumes: _count, volumeGib: _sum.sizeGib ?? 0 })
  for (const { projectId, _count, _sum } of snapshots)
    Object.assign(at(projectId), { snapshots: _count, snapshotGib: _sum.sizeGib ?? 0 })
  return [...found.values()].sort((a, b) => (a.projectId < b.projectId ? -1 : 1))
}
