import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import { hostsForPlacement } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { callSpecOf, reaches } from '../pools.ts'
import { localPool } from './drivers.ts'

/**
 * The pools that a reconciler looks at by each host that is up: the host's disk, the other pools of the host, and the
 * shared pools that another host does not look at already. Of the hosts that reach a shared pool, the first by name does.
 */
export async function poolsByHost(ctx: Ctx): Promise<ReadonlyMap<string, PoolSpec[]>> {
  const [hosts, rows] = await Promise.all([
    hostsForPlacement(ctx),
    ctx.db.volumePool.findMany({ where: { capacityGib: { not: null } } }),
  ])
  const up = hosts.filter(({ state }) => state === 'up')
  const found = new Map<string, PoolSpec[]>(up.map(({ id }) => [id, [localPool]]))
  for (const row of rows) {
    const host = up.find((one) => reaches(row, one))
    if (host) found.get(host.id)?.push(callSpecOf(ctx, row))
  }
  return found
}
