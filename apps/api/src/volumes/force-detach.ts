import { namesOf, stillKnown } from '../hosts/service.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { conflict, notFound } from '../kernel/errors.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { forgetOne } from './attachments.ts'
import { instances } from './instances.ts'
import { historyOf, loadVolume, lockVolume } from './row.ts'

/**
 * Takes a volume from an instance, for administrators who find the two stuck. An instance that is there gives the volume up
 * as always, so that the volume stays with the instance until the guest has let go. From one that is gone the volume is
 * taken at once, unless a machine may still have the guest: a volume never has a second owner. `attachmentId` may be left
 * out when one instance alone has the volume.
 */
export async function forceDetachVolume(
  ctx: Ctx,
  { id, attachmentId }: { id: string; attachmentId?: string },
): Promise<void> {
  const { attachments } = await loadVolume(ctx, 'volume:force_detach', id)
  const [found, ...others] = attachments.filter(
    (one) => attachmentId === undefined || one.id === attachmentId,
  )
  if (!found && attachmentId !== undefined) throw notFound('volume attachment', attachmentId)
  if (!found)
    throw conflict(
      "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
      'volumeState',
    )
  if (others.length > 0)
    throw conflict('Several instances have this volume: name the attachment.', 'volumeState')
  const { instanceId } = found
  const isThere = (await namesOf(ctx, 'instance', [instanceId])).has(instanceId)
  if (isThere) await instances().detach(ctx, { id: instanceId, volumeId: id })
  else await release(ctx, { id, instanceId })
}

async function release(ctx: Ctx, { id, instanceId }: { id: string; instanceId: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const volume = await lockVolume(tx, 'volume:force_detach', id)
    const own = volume.attachments.find((one) => one.instanceId === instanceId)
    // It has been released meanwhile.
    if (!own) return
    if ((await stillKnown(tx, 'instance', [instanceId])).size > 0)
      throw conflict(
        'The machine of the instance that had this volume has not confirmed that the guest is gone. Wait until it answers, or fence the machine.',
        'volumeState',
      )
    await recordOperation(tx, historyOf(volume, 'volume.force_detach'))
    // Only the deletion of an instance deletes volumes with it.
    const deleteOnTermination = own.deleteOnTermination && own.forgottenAt !== null
    await forgetOne(tx, volume, { id: own.id, deleteOnTermination, isUnused: false })
  })
}
