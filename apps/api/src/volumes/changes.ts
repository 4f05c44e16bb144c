import type { Prisma } from '@stratolith/db'
import { busyAmong } from '../kernel/busy.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { conflict } from '../kernel/errors.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { type VolumeView, volumeCan, volumeMetadataInput } from './contract.ts'
import { whyBackedUp } from './needed.ts'
import { type VolumeRow, withParts } from './queries.ts'
import { demand, historyOf, lockVolume, noteVolume, stateOf, viewOfOne } from './row.ts'

/** Changes of volumes that are complete when the request ends. */

const busyVolumes = busyAmong('volume')
const busyInstances = busyAmong('instance')

/** Changes the row under its lock, with history and event. */
async function change(
  ctx: Ctx,
  { id, policy, action }: { id: string; policy: string; action: string },
  patch: (row: VolumeRow, tx: Ctx) => Promise<Prisma.VolumeUpdateInput>,
): Promise<VolumeView> {
  const row = await inTransaction(ctx, async (tx) => {
    const data = await patch(await lockVolume(tx, policy, id), tx)
    const after = await tx.db.volume.update({ where: { id }, data, include: withParts })
    await recordOperation(tx, historyOf(after, action))
    await noteVolume(tx, after, 'updated')
    return after
  })
  return viewOfOne(ctx, row)
}

/** Says whether the volume has a system that a machine can start. */
export const setBootable = (ctx: Ctx, input: { id: string; bootable: boolean }): Promise<VolumeView> =>
  change(ctx, { id: input.id, policy: 'volume:set_bootable', action: 'volume.set_bootable' }, async () => ({
    bootable: input.bootable,
  }))

/** Says whether guests may only read the volume. Throws conflict unless the volume is available. */
export const setReadOnly = (ctx: Ctx, input: { id: string; readOnly: boolean }): Promise<VolumeView> =>
  change(
    ctx,
    { id: input.id, policy: 'volume:set_read_only', action: 'volume.set_read_only' },
    async (row) => {
      const allowed = volumeCan.setReadOnly({ state: stateOf(row) })
      if (allowed !== true) throw conflict(allowed, 'volumeState')
      return { readOnly: input.readOnly }
    },
  )

/** Changes the metadata to what `to` makes of the present entries. */
export const changeMetadata = (
  ctx: Ctx,
  id: string,
  to: (before: Record<string, string>) => Record<string, string>,
): Promise<VolumeView> =>
  change(ctx, { id, policy: 'volume:update', action: 'volume.update' }, async (row) => ({
    metadata: volumeMetadataInput.parse(to(row.metadata as Record<string, string>)),
  }))

/** Changes what users have written about the image of a volume to what `to` makes of the present entries. */
export const changeImageMetadata = (
  ctx: Ctx,
  id: string,
  to: (before: Record<string, string>) => Record<string, string>,
): Promise<VolumeView> =>
  change(ctx, { id, policy: 'volume:set_image_metadata', action: 'volume.update' }, async (row) => ({
    imageMetadata: volumeMetadataInput.parse(to(row.imageMetadata as Record<string, string>)),
  }))

/**
 * Makes a volume available again whose last operation has failed without harm to its content: Cinder's states error and
 * error_restoring, which tell clients of the failure, allow no other use. Throws conflict for any other volume.
 */
export const useVolumeAsIs = (ctx: Ctx, input: { id: string }): Promise<VolumeView> =>
  change(ctx, { id: input.id, policy: 'volume:use_as_is', action: 'volume.use_as_is' }, async (row) => {
    demand(volumeCan.asIs, row)
    // Room that a silent host may have taken for a growth stays reserved, as it was.
    const restored = stateOf(row) === 'error_restoring' ? { backupId: null } : {}
    return { state: 'available', faultMessage: null, isWhole: false, ...restored }
  })

export type ResetState = 'available' | 'in-use' | 'error'

/**
 * Sets the state of a volume that is stuck, for administrators. Throws conflict for a state that is not true of the
 * volume: one that an instance has is in use and nothing else; and while something is being done to the volume or to its
 * instance, such as an attachment.
 */
export const resetVolume = (ctx: Ctx, input: { id: string; to: ResetState }): Promise<VolumeView> =>
  change(
    ctx,
    { id: input.id, policy: 'volume:reset_state', action: 'volume.reset_state' },
    async (row, tx) => {
      const isAttached = row.attachments.length > 0
      if (isAttached && input.to !== 'in-use')
        throw conflict('An instance has this volume. Detach it first.', 'volumeState')
      if (!isAttached && input.to === 'in-use') throw conflict('No instance has this volume.', 'volumeState')
      const why = await whyBackedUp(tx, row.id)
      if (why !== null) throw conflict(why, 'volumeState')
      if ((await busyVolumes(tx, [row.id])).has(row.id))
        throw conflict('Something is being done to this volume. Wait until that is over.', 'volumeState')
      const instances = row.attachments.map((one) => one.instanceId)
      if ((await busyInstances(tx, instances)).size > 0)
        throw conflict(
          'Something is being done to the instance that has this volume. Wait until that is over.',
          'volumeState',
        )
      // An offer of the volume ends with its state.
      await tx.db.volumeTransfer.deleteMany({ where: { volumeId: row.id } })
      if (!isAttached) await tx.db.volumeReservation.deleteMany({ where: { volumeId: row.id } })
      if (!isAttached)
        return {
          state: input.to,
          faultMessage: input.to === 'error' ? 'An administrator has set this state.' : null,
          isWhole: false,
        }
      const attachments = { updateMany: { where: {}, data: { state: 'attached' } } }
      return { state: 'in-use', faultMessage: null, attachments }
    },
  )
