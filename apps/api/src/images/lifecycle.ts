import { setTimeout as sleep } from 'node:timers/promises'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { CloudError, conflict, invalidInput } from '../kernel/errors.ts'
import { operationUnderWay } from '../kernel/history.ts'
import { recordOperation, startOperation } from '../kernel/workflow.ts'
import { type ImageView, imageTransitioning } from './contract.ts'
import { historyOf, type ImageRow, loadImage, noteImage, stateOf, viewOf } from './load.ts'
import { releaseImageQuota } from './quota.ts'

/** Starts the import of the bytes that uploadImage has staged; the image is `importing` until it is `active`. */
export async function importStagedImage(ctx: Ctx, input: { id: string }): Promise<ImageView> {
  return move(ctx, {
    ...input,
    action: 'image:upload',
    from: ['uploading'],
    to: 'importing',
    withBlob: true,
    refusal: (state) => `Stage data of the image before it is imported; it is ${state}.`,
    record: (tx, row) => startOperation(tx, historyOf(row, 'image.import')),
  })
}

/**
 * Keeps everybody from launching or downloading the image until it is active again. Instances that use the image go on.
 */
export async function deactivateImage(ctx: Ctx, input: { id: string }): Promise<ImageView> {
  return move(ctx, {
    ...input,
    action: 'image:deactivate',
    from: ['active', 'deactivated'],
    to: 'deactivated',
    refusal: (state) => `Only an active image can be deactivated; this one is ${state}.`,
    record: (tx, row) => recordOperation(tx, historyOf(row, 'image.deactivate')),
  })
}

export async function reactivateImage(ctx: Ctx, input: { id: string }): Promise<ImageView> {
  return move(ctx, {
    ...input,
    action: 'image:reactivate',
    from: ['deactivated', 'active'],
    to: 'active',
    refusal: (state) => `Only a deactivated image can be reactivated; this one is ${state}.`,
    record: (tx, row) => recordOperation(tx, historyOf(row, 'image.reactivate')),
  })
}

type Move = {
  id: string
  /** Name of the action in the policy. */
  action: string
  from: string[]
  to: string
  withBlob?: true
  refusal: (state: string) => string
  record: (tx: Ctx, row: ImageRow) => Promise<unknown>
}

/**
 * Changes the state of an image. The database decides: of two callers at the same time, one finds the change already
 * made.
 */
async function move(ctx: Ctx, wish: Move): Promise<ImageView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await loadImage(tx, wish.action, wish.id)
    const { count } = await tx.db.image.updateMany({
      where: {
        id: before.id,
        state: { in: wish.from },
        ...(wish.withBlob ? { blobId: { not: null } } : {}),
      },
      data: { state: wish.to },
    })
    if (count === 0) throw conflict(wish.refusal(stateOf(before)))
    if (before.state !== wish.to) await wish.record(tx, before)
    await noteImage(tx, before, 'updated')
    return tx.db.image.findUniqueOrThrow({ where: { id: before.id } })
  })
  return viewOf(ctx, row)
}

/** The reason in the error, by which callers tell this conflict from other conflicts. */
export const imageDeleted = 'imageDeleted'
export const deletedMeanwhile = (cause?: unknown) =>
  new CloudError('conflict', 'The image was deleted while its data was on its way.', {
    reason: imageDeleted,
    cause,
  })

/** The conversion of a large disk takes minutes, so the import is waited for; a queue that no worker serves is not. */
const longestImportMs = 30 * 60_000
const longestQueueMs = 10_000

/**
 * Resolves when the import of an image is over, or when no worker takes up the import: then the bytes are safe, and the
 * import comes later. Throws invalid_input with the reason when the import was refused.
 */
export async function untilImported(ctx: Ctx, id: string): Promise<void> {
  const from = Date.now()
  for (let pause = 10; Date.now() - from < longestImportMs; pause = Math.min(pause * 2, 250)) {
    const row = await ctx.deps.root.image.findUnique({ where: { id } })
    if (!row || row.state === 'deleted') throw deletedMeanwhile()
    if (row.state === 'killed') throw invalidInput(row.errorMessage ?? 'The data was refused.')
    if (!imageTransitioning(stateOf(row))) return
    if (Date.now() - from > longestQueueMs && !(await underWay(ctx, id))) return
    await sleep(pause)
  }
}

async function underWay(ctx: Ctx, id: string): Promise<boolean> {
  const image = { resourceKind: 'image', resourceId: id }
  return (await operationUnderWay({ db: ctx.deps.root }, image, 'image.import', ['running'])) !== null
}

/** Deletes an image that the caller has locked. */
export async function forgetImage(ctx: Ctx, row: ImageRow): Promise<ImageRow> {
  const after = await ctx.db.image.update({
    where: { id: row.id },
    data: { state: 'deleted', deletedAt: new Date() },
  })
  await releaseImageQuota(ctx, row)
  await startOperation(ctx, historyOf(row, 'image.delete'))
  await noteImage(ctx, row, 'deleted')
  return after
}
