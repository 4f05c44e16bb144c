import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { startOperation } from '../../kernel/workflow.ts'
import { volumeCan } from '../contract.ts'
import { whyCopied } from '../needed.ts'
import { withParts } from '../queries.ts'
import { historyOf, lockVolume, noteVolume, stateOf } from '../row.ts'
import { snapshotCan } from './contract.ts'
import { withVolume } from './queries.ts'
import { noteSnapshot, snapshotStateOf } from './row.ts'

/**
 * Deletes a volume and all of its snapshots, in one operation. Volumes that were made of the snapshots keep their data.
 * Throws conflict while an instance has the volume, and while anything is being done to the volume, to a snapshot or with
 * their data.
 */
export async function deleteVolumeWithSnapshots(ctx: Ctx, { id }: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const volume = await lockVolume(tx, 'volume:delete', id)
    const allowed = volumeCan.delete({ state: stateOf(volume) })
    if (allowed !== true) throw conflict(allowed, 'volumeState')
    if (volume.attachments.length > 0)
      throw conflict('An instance uses this volume. Detach it first.', 'volumeState')
    const why = await whyCopied(tx, id)
    if (why !== null) throw conflict(why, 'volumeState')
    const snapshots = await lockAll(tx, id)
    const where = { volumeId: id }
    await tx.db.volumeSnapshot.updateMany({ where, data: { state: 'deleting' } })
    const after = await tx.db.volume.update({
      where: { id },
      data: { state: 'deleting' },
      include: withParts,
    })
    await startOperation(tx, {
      ...historyOf(after, 'volume.delete'),
      hostId: after.pool.hostId,
      input: { cascade: true },
    })
    for (const snapshot of snapshots) await noteSnapshot(tx, snapshot, 'updated')
    await noteVolume(tx, after, 'updated')
  })
}

/** The snapshots of a volume, locked until the transaction ends, unless one of them cannot be deleted now. */
async function lockAll(ctx: Ctx, volumeId: string) {
  await ctx.db.$queryRaw`
    SELECT 1 FROM "VolumeSnapshot" WHERE "volumeId" = ${volumeId}::uuid ORDER BY "id" FOR UPDATE`
  const snapshots = await ctx.db.volumeSnapshot.findMany({ where: { volumeId }, include: withVolume })
  for (const snapshot of snapshots) {
    authorize(ctx, 'volumeSnapshot:delete', snapshot)
    const allowed = snapshotCan.delete({ state: snapshotStateOf(snapshot) })
    if (allowed !== true)
      throw conflict(`The snapshot ${snapshot.name || snapshot.id}: ${allowed}`, 'volumeState')
  }
  const where = { snapshotId: { in: snapshots.map((snapshot) => snapshot.id) }, state: 'creating' }
  if ((await ctx.db.volume.count({ where })) > 0)
    throw conflict(
      'A volume is being made of a snapshot of this volume. Wait until that is over.',
      'volumeState',
    )
  return snapshots
}
