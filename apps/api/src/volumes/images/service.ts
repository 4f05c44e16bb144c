import type { z } from 'zod'
import { type BootImage, createImage, demandImageRoom, findBootImage } from '../../images/service.ts'
import { type Ctx, inTransaction, projectOf } from '../../kernel/context.ts'
import { conflict, invalidInput } from '../../kernel/errors.ts'
import { startOperation } from '../../kernel/workflow.ts'
import { type VolumeView, volumeCan } from '../contract.ts'
import { refuseUnderSnapshots, refuseWhileKept } from '../needed.ts'
import { originOf } from '../origin.ts'
import { withParts } from '../queries.ts'
import { demand, historyOf, lockVolume, noteVolume, stateOf, viewOfOne } from '../row.ts'
import type { reimageInput, VolumeImage, volumeImageInput } from './contract.ts'

/**
 * Begins to make an image of what a volume contains, with the description, the properties and the least memory of the image
 * of which the volume was made, if the caller may see that one. The new image belongs to the caller's project. Throws conflict for a volume that an instance uses, unless the caller wants the
 * image all the same: the guest goes on writing, and the image has what the volume contained at one moment.
 */
export async function makeVolumeImage(
  ctx: Ctx,
  input: z.output<typeof volumeImageInput>,
): Promise<VolumeImage> {
  const { id, force, ...wish } = input
  const { row, image } = await inTransaction(ctx, async (tx) => {
    const before = await lockVolume(tx, 'volume:upload_image', id)
    demand(volumeCan.makeImage, before)
    if (stateOf(before) === 'in-use' && !force)
      throw conflict(
        'An instance uses this volume. Say that the image is to be made all the same.',
        'volumeState',
      )
    await demandImageRoom(tx, projectOf(tx), before.sizeGib)
    const origin = await originImage(tx, before.imageId)
    const made = await createImage(tx, {
      ...{ ...wish, minDiskGib: before.sizeGib, minRamMib: origin?.minRamMib ?? 0 },
      description: origin?.description ?? '',
      properties: {
        ...(origin?.properties as Record<string, string> | undefined),
        ...(before.imageMetadata as Record<string, string>),
      },
    })
    const after = await tx.db.volume.update({
      where: { id },
      data: { state: 'uploading' },
      include: withParts,
    })
    await startOperation(tx, {
      ...historyOf(after, 'volume.make_image'),
      hostId: after.pool.hostId,
      input: { imageId: made.id, format: input.diskFormat, poolId: after.poolId },
    })
    await noteVolume(tx, after, 'updated')
    return { row: after, image: made }
  })
  return { volume: await viewOfOne(ctx, row), image }
}

/** The image of which a volume was made; null when the caller does not see it: the volume may come from another project. */
async function originImage(ctx: Ctx, id: string | null): Promise<BootImage | null> {
  return id === null ? null : findBootImage(ctx, id)
}

/** Gives an available volume what an image contains; everything on it is lost. The volume keeps its size and its snapshots. */
export async function reimageVolume(ctx: Ctx, input: z.output<typeof reimageInput>): Promise<VolumeView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockVolume(tx, 'volume:reimage', input.id)
    demand(volumeCan.reimage, before)
    const origin = await originOf(tx, { imageId: input.imageId })
    if (!origin?.data.source || origin.leastGib > before.sizeGib)
      throw invalidInput(
        `The image needs ${origin?.leastGib ?? 1} GiB; the volume has ${before.sizeGib} GiB.`,
        'imageId',
      )
    await refuseWhileKept(tx, before.id)
    await refuseUnderSnapshots(tx, before)
    const after = await tx.db.volume.update({
      where: { id: before.id },
      data: { state: 'downloading' },
      include: withParts,
    })
    const { imageId, imageName, source } = origin.data
    await startOperation(tx, {
      ...historyOf(after, 'volume.reimage'),
      hostId: after.pool.hostId,
      input: { imageId, imageName, source },
    })
    await noteVolume(tx, after, 'updated')
    return after
  })
  return viewOfOne(ctx, row)
}
