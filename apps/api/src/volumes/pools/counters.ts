import { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { invariant } from '../../kernel/errors.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'

/** What volumes and snapshots take in pools. A volume that is being moved has room in both pools. */
const taken = Prisma.sql`(
  SELECT "poolId", "reservedGib" AS "gib" FROM "Volume"
  UNION ALL SELECT "movingToId", "reservedGib" FROM "Volume" WHERE "movingToId" IS NOT NULL
  UNION ALL SELECT "poolId", "sizeGib" FROM "VolumeSnapshot")`

/**
 * Compares what is promised in pools with a capacity of their own with their volumes and snapshots, and corrects it. The disks
 * of hosts are counted with the instances there (hosts.counters).
 */
export const poolCounters: Reconciler = {
  name: 'volumes.pool-counters',
  everyMs: 60_000,
  async run(ctx) {
    const wrong = await ctx.db.$queryRaw<{ id: string }[]>`
      SELECT p."id"::text AS "id" FROM "VolumePool" p LEFT JOIN (
        SELECT "poolId", sum("gib") AS "gib" FROM ${taken} t GROUP BY "poolId") i ON i."poolId" = p."id"
      WHERE p."capacityGib" IS NOT NULL AND p."usedGib" <> COALESCE(i."gib", 0)`
    for (const { id } of wrong)
      await correct(ctx, id).catch((err: unknown) =>
        ctx.log.warn({ err, pool: id }, 'the room of a pool could not be proved'),
      )
  },
}

/**
 * A claim changes the pool's row in the same transaction as the volume's row. With the pool's row locked no claim is half
 * done, and the next statement sees every committed volume.
 */
async function correct(ctx: Ctx, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const [before] = await tx.db.$queryRaw<{ usedGib: number }[]>`
      SELECT "usedGib" FROM "VolumePool" WHERE "id" = ${id}::uuid FOR UPDATE`
    if (!before) return
    const [proven] = await tx.db.$queryRaw<{ usedGib: number }[]>`
      SELECT COALESCE(sum("gib"), 0)::int AS "usedGib" FROM ${taken} t WHERE "poolId" = ${id}::uuid`
    invariant(proven, 'a sum without a row')
    if (proven.usedGib === before.usedGib) return // The counter is right: the difference was a claim in progress.
    await tx.db.volumePool.update({ where: { id }, data: proven })
    tx.log.warn({ pool: id, proven, before }, 'counters corrected')
  })
}
