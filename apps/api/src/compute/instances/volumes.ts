import type { z } from 'zod'
import { type Ctx, inTransaction, projectOf } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { type VolumeView, volumeCreateInput } from '../../volumes/contract.ts'
import {
  type AttachedVolume,
  attachedVolumes,
  createVolume,
  keepAfterTermination,
  listFreeVolumes,
  takeVolume,
  yieldVolume,
} from '../../volumes/service.ts'
import type {
  attachVolumeInput,
  freeVolumesInput,
  instanceVolumeInput,
  keepVolumeInput,
} from '../contract.ts'
import { loadInstance, noteInstance } from './instance-row.ts'
import { historyOf, loadIdle } from './interfaces.ts'
import { localDisksOf } from './local-disks.ts'

/** The volumes of an instance. Throws not_found for an instance that the caller may not see. */
export async function listAttachedVolumes(ctx: Ctx, input: { id: string }): Promise<AttachedVolume[]> {
  const row = await loadInstance(ctx, 'compute:get_instance', input.id)
  return (await attachedVolumes(ctx, [row.id])).get(row.id) ?? []
}

/** A volume of an instance. Throws not_found for a volume that the instance does not have. */
export async function getAttachedVolume(
  ctx: Ctx,
  input: { id: string; volumeId: string },
): Promise<AttachedVolume> {
  const found = (await listAttachedVolumes(ctx, input)).find((one) => one.volumeId === input.volumeId)
  if (!found) throw notFound('volume of the instance', input.volumeId)
  return found
}

/** Gives an instance a volume: a running guest gets the disk at once (by a workflow), a stopped guest at its next start. */
export async function attachVolume(
  ctx: Ctx,
  input: z.output<typeof attachVolumeInput>,
): Promise<AttachedVolume> {
  const { id, volumeId } = input
  await inTransaction(ctx, async (tx) => {
    const row = await loadIdle(tx, 'compute:attach_volume', id, 'attachVolume')
    const volumeName = await takeVolume(tx, {
      ...input,
      instance: { ...row, localDisks: localDisksOf(row).length },
    })
    await startOperation(tx, {
      ...historyOf(row, 'instance.attach_volume'),
      relatedId: volumeId,
      input: { volumeId, volumeName },
    })
    await noteInstance(tx, row, 'updated')
  })
  return getAttachedVolume(ctx, { id, volumeId })
}

/** Takes a volume from an instance. The volume is available again when the guest has released the disk. */
export async function detachVolume(ctx: Ctx, input: { id: string; volumeId: string }): Promise<void> {
  const { id, volumeId } = input
  await inTransaction(ctx, async (tx) => {
    const row = await loadIdle(tx, 'compute:detach_volume', id, 'detachVolume')
    const volumeName = await yieldVolume(tx, row.id, volumeId)
    await startOperation(tx, {
      ...historyOf(row, 'instance.detach_volume'),
      relatedId: volumeId,
      input: { volumeId, volumeName },
    })
    await noteInstance(tx, row, 'updated')
  })
}

/** What the room of volumes needs of instances. */
export const instancesOfVolumes = {
  hostOf: async (ctx: Ctx, id: string): Promise<string | null> =>
    (await loadInstance(ctx, 'compute:get_instance', id)).hostId,
  detach: detachVolume,
}

/** Says whether a volume of an instance is deleted with the instance. */
export async function keepVolume(
  ctx: Ctx,
  { id, ...wish }: z.output<typeof keepVolumeInput>,
): Promise<AttachedVolume> {
  await inTransaction(ctx, async (tx) => {
    const row = await loadInstance(tx, 'compute:attach_volume', id)
    const volumeName = await keepAfterTermination(tx, row.id, wish)
    const action = wish.deleteOnTermination ? 'instance.delete_volume_too' : 'instance.keep_volume'
    await recordOperation(tx, { ...historyOf(row, action), input: { ...wish, volumeName } })
    await noteInstance(tx, row, 'updated')
  })
  return getAttachedVolume(ctx, { id, volumeId: wish.volumeId })
}

/** The available volumes that the machine of an instance reaches, of the instance's project. */
export async function freeVolumesFor(
  ctx: Ctx,
  { id, ...page }: z.output<typeof freeVolumesInput>,
): Promise<Page<VolumeView>> {
  return listFreeVolumes(ctx, await placedInstance(ctx, 'compute:get_instance', id), page)
}

/** Makes an empty volume that the machine of an instance reaches, so that the instance can be given the volume. */
export async function createVolumeFor(
  ctx: Ctx,
  { id, ...wish }: z.output<typeof instanceVolumeInput>,
): Promise<VolumeView> {
  const { hostId, projectId } = await placedInstance(ctx, 'compute:attach_volume', id)
  if (projectId !== projectOf(ctx))
    throw conflict(
      'Switch to the project of the instance first: a new volume belongs to the project of its maker.',
    )
  return createVolume(ctx, volumeCreateInput.parse(wish), { hostId })
}

async function placedInstance(
  ctx: Ctx,
  policy: string,
  id: string,
): Promise<{ id: string; hostId: string; projectId: string }> {
  const { hostId, projectId } = await loadInstance(ctx, policy, id)
  if (hostId === null) throw conflict('The instance is on no host.')
  return { id, hostId, projectId }
}
