import type { Op } from '@stratolith/drivers/op'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { CloudError, invalidInput } from '../kernel/errors.ts'
import type { Wait } from '../kernel/workflow.ts'
import { deletedMeanwhile, forgetImage } from './lifecycle.ts'
import { hardLimit, uploadBound } from './quota.ts'
import { imageStore } from './store.ts'
import { tooManyUploads, uploadImage } from './upload.ts'

/** The functions by which other rooms make images of what hosts have. */

/** Throws quota_exceeded when the project may not store an image of a disk of that size. */
export async function demandImageRoom(ctx: Ctx, projectId: string, diskGib: number): Promise<void> {
  const bytes = diskGib * 1024 ** 3
  if (bytes > hardLimit) throw invalidInput(`An image has at most ${hardLimit / 1024 ** 3} GiB.`, 'sizeGib')
  if (bytes > (await uploadBound(ctx, projectId, hardLimit)))
    throw new CloudError(
      'quota_exceeded',
      `The project may not store ${diskGib} GiB of images more. Delete images or ask for more quota.`,
    )
}

const storing: Wait = { waitMs: 1_000, for: 'the image to be converted' }

/**
 * Stores the bytes that a host has made for a queued image, which is active afterwards; returns a Wait until then. A step
 * of an operation calls this again after a crash. Throws when the bytes are refused or the image was deleted.
 */
export async function storeExport(ctx: Ctx, op: Op, id: string): Promise<Wait | undefined> {
  const row = await ctx.db.image.findUnique({ where: { id } })
  if (!row || row.state === 'deleted') throw deletedMeanwhile()
  if (row.state === 'killed') throw invalidInput(row.errorMessage ?? 'The data was refused.')
  if (row.state === 'active' || row.state === 'deactivated') return
  if (row.blobId !== null) return storing
  // A worker that died has left the image in the middle of the upload, of which nothing is kept.
  const again = { id, state: 'saving', blobId: null }
  await ctx.db.image.updateMany({ where: again, data: { state: 'queued', uploadedBytes: 0 } })
  const { sizeBytes, bytes } = await imageStore(ctx.deps).openExport(id)
  const stop = () => bytes.destroy(new Error('the operation has ended'))
  op.signal.addEventListener('abort', stop, { once: true })
  try {
    await uploadImage(ctx, { id, source: bytes, announcedBytes: sizeBytes })
  } catch (error) {
    if (error instanceof CloudError && error.reason === tooManyUploads)
      return { waitMs: 5_000, for: 'other uploads of the project' }
    throw error
  } finally {
    op.signal.removeEventListener('abort', stop)
    bytes.destroy()
  }
  return storing
}

/** Removes an image that could not be made, also when it is protected. An image that is gone is success. */
export async function dropMadeImage(ctx: Ctx, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Image" WHERE "id" = ${id}::uuid FOR UPDATE`
    const row = await tx.db.image.findFirst({ where: { id, state: { not: 'deleted' } } })
    if (!row) return
    await forgetImage(tx, row)
  })
}
