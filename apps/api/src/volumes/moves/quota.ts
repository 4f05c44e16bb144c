import type { Ctx } from '../../kernel/context.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import type { VolumeRow } from '../queries.ts'
import { ofType, partsAlone } from '../quota.ts'

/** What a volume and its snapshots count of a type, without what they count of the project, which stays the same. */
async function partsOf(tx: Ctx, row: VolumeRow, typeId: string) {
  const { _count, _sum } = await tx.db.volumeSnapshot.aggregate({
    where: { volumeId: row.id },
    _count: true,
    _sum: { sizeGib: true },
  })
  const volumeGib = row.reservedGib + (_sum.sizeGib ?? 0)
  return partsAlone(ofType(typeId, { volumes: 1, volumeGib, volumeSnapshots: _count }))
}

/**
 * Counts a volume with its snapshots under its new type. Throws quota_exceeded. The counts are taken in the order of the
 * types' ids, so that two volumes of one project that change to each other's type cannot deadlock.
 */
export async function countUnder(tx: Ctx, row: VolumeRow, typeId: string): Promise<void> {
  const reserve = async () => reserveQuota(tx, row.projectId, await partsOf(tx, row, typeId))
  const release = async () => releaseQuota(tx, row.projectId, await partsOf(tx, row, row.typeId))
  for (const count of typeId < row.typeId ? [reserve, release] : [release, reserve]) await count()
}

/**
 * Counts a volume that moves to get another type under that type, too, so that the end of the move needs nothing that it may not
 * get. Throws quota_exceeded.
 */
export const countWanted = async (tx: Ctx, row: VolumeRow, typeId: string): Promise<void> =>
  reserveQuota(tx, row.projectId, await partsOf(tx, row, typeId))

/** Counts the volume no longer under that of its two types. */
export const dropCount = async (tx: Ctx, row: VolumeRow, typeId: string): Promise<void> =>
  releaseQuota(tx, row.projectId, await partsOf(tx, row, typeId))
