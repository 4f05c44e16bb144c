import { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { Ceph } from './ceph.ts'
import type { PoolSpace } from './interface.ts'

const gib = 1024 ** 3
const dfSchema = z.object({
  pools: z.array(
    z.object({ name: z.string(), stats: z.object({ stored: z.number(), max_avail: z.number() }) }),
  ),
})
const dumpSchema = z.object({
  pools: z.array(z.object({ pool_name: z.string(), quota_max_bytes: z.number() })),
})

/**
 * The space of a pool, copies not counted. A quota of the pool bounds it. Without a manager (ceph-mgr) that runs, the
 * cluster knows nothing but the quota.
 */
export async function spaceOf(ceph: Ceph, op: Op): Promise<PoolSpace> {
  const { pool } = ceph.pool
  const [df, dump] = await Promise.all([
    ceph.json(op, dfSchema, 'ceph', ['df']),
    ceph.json(op, dumpSchema, 'ceph', ['osd', 'dump']),
  ])
  const stats = df.pools.find((one) => one.name === pool)?.stats
  const known = dump.pools.find((one) => one.pool_name === pool)
  if (!known) throw new DriverError('invalid', `The Ceph cluster has no pool ${pool}.`)
  const quota = known.quota_max_bytes > 0 ? known.quota_max_bytes : Number.POSITIVE_INFINITY
  const stored = stats?.stored ?? 0
  const total = Math.min(quota, stats ? stored + stats.max_avail : Number.POSITIVE_INFINITY)
  if (!Number.isFinite(total))
    throw new DriverError(
      'unavailable',
      `The Ceph cluster does not tell the size of the pool ${pool}: its manager (ceph-mgr) does not run.`,
    )
  const free = Math.max(0, Math.min(total - stored, stats?.max_avail ?? total))
  return { totalGib: Math.floor(total / gib), freeGib: Math.floor(free / gib) }
}
