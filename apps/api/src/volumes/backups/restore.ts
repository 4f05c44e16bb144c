import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict, invalidInput } from '../../kernel/errors.ts'
import { startOperation } from '../../kernel/workflow.ts'
import { volumeCan, volumeCreateInput } from '../contract.ts'
import { refuseUnderSnapshots, refuseWhileKept } from '../needed.ts'
import { reaches } from '../pools.ts'
import { withParts } from '../queries.ts'
import { demand, historyOf, lockVolume, noteVolume } from '../row.ts'
import { createVolume } from '../service.ts'
import { backupCan, type backupRestoreInput, type Restored } from './contract.ts'
import { hostsOfStore } from './reach.ts'
import { demandBackup, lockBackup } from './row.ts'
import { beginRestoring } from './settling.ts'

/**
 * Gives a volume what a backup contains: a new volume, or an available one, which loses what it has. Throws not_found for
 * what the caller may not see, conflict when a state forbids that or the volume lies where the store is not reached, and
 * invalid_input for a volume that is too small.
 */
export async function restoreBackup(ctx: Ctx, input: z.output<typeof backupRestoreInput>): Promise<Restored> {
  const { id, volumeId } = input
  if (volumeId !== undefined) return restoreTo(ctx, id, volumeId)
  return inTransaction(ctx, async (tx) => {
    const backup = await lockBackup(tx, 'volumeBackup:restore', id)
    const name = input.name ?? (backup.volumeName || `restore_backup_${id}`)
    const wish = volumeCreateInput.parse({ backupId: id, name, description: backup.description })
    const made = await createVolume(tx, wish, { restores: true })
    return { backupId: id, volumeId: made.id, volumeName: made.name }
  })
}

const restoreTo = (ctx: Ctx, id: string, volumeId: string): Promise<Restored> =>
  inTransaction(ctx, async (tx) => {
    const volume = await lockVolume(tx, 'volume:restore', volumeId)
    const backup = await lockBackup(tx, 'volumeBackup:restore', id)
    demand(volumeCan.restore, volume)
    demandBackup(backupCan.restore, backup)
    await refuseWhileKept(tx, volume.id)
    await refuseUnderSnapshots(tx, volume)
    if (volume.sizeGib < backup.sizeGib)
      throw invalidInput(
        `The volume has ${volume.sizeGib} GiB; the backup needs ${backup.sizeGib} GiB.`,
        'volumeId',
      )
    if (volume.keyId !== backup.keyId)
      throw conflict(
        volume.keyId === null || backup.keyId === null
          ? 'One of the volume and the backup is encrypted, and the other is not. Restore to a new volume.'
          : 'The volume and the backup are encrypted by different keys. Restore to a new volume.',
      )
    const restorers = (await hostsOfStore(tx, backup)).filter((host) => reaches(volume.pool, host))
    if (restorers.length === 0)
      throw conflict('The volume lies where no machine with the store of the backup reaches it.')
    const after = await tx.db.volume.update({
      where: { id: volumeId },
      data: { state: 'restoring-backup', backupId: id, faultMessage: null },
      include: withParts,
    })
    await beginRestoring(tx, id)
    await startOperation(tx, {
      ...historyOf(after, 'volume.restore'),
      hostId: (restorers.find(({ state }) => state === 'up') ?? restorers[0])?.id,
      input: { backupId: id, isNew: false },
    })
    await noteVolume(tx, after, 'updated')
    return { backupId: id, volumeId, volumeName: after.name }
  })
