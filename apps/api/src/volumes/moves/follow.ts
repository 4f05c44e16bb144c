import type { HostDrivers } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import type { ObservedVolume, PoolSpec } from '@stratolith/drivers/volumes/interface'
import { hostsForPlacement } from '../../hosts/service.ts'
import { busyAmong } from '../../kernel/busy.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { bury } from '../../kernel/tombstones.ts'
import { localPool } from '../pools/drivers.ts'
import { specOf } from '../pools.ts'
import { noteVolume } from '../row.ts'
import { lookIn } from './places.ts'

type Place = { op: Op; hostId: string; drivers: HostDrivers; pool: PoolSpec }
const busyVolumes = busyAmong('volume')
const poolOf = ({ db }: Ctx, id: string, hostId: string) =>
  db.volumePool.findFirst({
    where: id === localPool.id ? { hostId, capacityGib: null } : { id },
  })

/**
 * Writes in which pool volumes are whose rows name one that has moved them on: a backup of the database was restored that is older
 * than the move. The room in the pools follows by the reconcilers that prove it.
 */
export async function followMoves(
  ctx: Ctx,
  { op, hostId, drivers, pool }: Place,
  found: readonly ObservedVolume[],
): Promise<void> {
  for (const { id, movedTo } of found) {
    if (movedTo === undefined) continue
    const [from, to] = await Promise.all([poolOf(ctx, pool.id, hostId), poolOf(ctx, movedTo, hostId)])
    if (!from || !to) continue
    const where = { id, poolId: from.id, movingToId: null }
    if (!(await ctx.db.volume.findFirst({ where, select: { id: true } }))) continue
    if (!(await lookIn(op, drivers, { id, pool: specOf(to) }))) continue
    await inTransaction(ctx, async (tx) => {
      await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${id}::uuid FOR UPDATE`
      const before = await tx.db.volume.findFirst({ where })
      if (!before || (await busyVolumes(tx, [id])).has(id)) return
      const host = (await hostsForPlacement(tx)).find((one) => one.id === to.hostId)
      const zone = host?.zone ?? to.zone ?? before.zone
      const row = await tx.db.volume.update({ where: { id }, data: { poolId: to.id, zone } })
      await bury(tx, { kind: 'volume', id, projectId: row.projectId })
      await noteVolume(tx, row, 'updated')
      ctx.log.warn({ volume: id, from: from.name, to: to.name }, 'a volume is where it was moved before')
    })
  }
}
