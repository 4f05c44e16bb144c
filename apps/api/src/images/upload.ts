import type { Readable } from 'node:stream'
import { DriverError } from '@stratolith/drivers/errors'
import type { StagedImage } from '@stratolith/drivers/storage/interface'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { CloudError, conflict, invalidInput, toCloudError } from '../kernel/errors.ts'
import { startOperation } from '../kernel/workflow.ts'
import { reserveQuota } from '../quota/service.ts'
import { type ImageView, imageCan } from './contract.ts'
import { headBytes, inspectImage } from './inspect.ts'
import { deletedMeanwhile } from './lifecycle.ts'
import { formatOf, historyOf, type ImageRow, lockImage, noteImage, stateOf, viewOf } from './load.ts'
import { hardLimit, imageGib, uploadBound, uploadsAtOnce } from './quota.ts'
import { imageStore } from './store.ts'

/** An upload whose stream is silent for this long is given up. */
const idleMs = 30_000
const progressMs = 1000
/**
 * At the end of an upload its bytes are written to the disk, which takes minutes for a large upload on a slow disk.
 * Meanwhile the row is updated this often to say that the process lives (reconcile.ts takes a silent upload for dead).
 * A variable only for tests.
 */
export const uploadPatience = { tellMs: 15_000 }

/**
 * Streams the bytes of a queued image to the store, inspects them, and starts the workflow that converts them: when the
 * promise resolves, the bytes are safe and the image is `saving`. With `stage` the bytes wait for importStagedImage
 * instead, and the image is `uploading`. Refused bytes set the image to killed with the reason; an upload that breaks
 * off leaves the image queued, so that the upload can be repeated. After a failure nothing stays in staging.
 * `announcedBytes` is the size that the sender names, by which too large an upload is refused at once.
 */
export async function uploadImage(ctx: Ctx, input: Upload): Promise<ImageView> {
  const row = await claim(ctx, input)
  const store = imageStore(ctx.deps)
  try {
    const maxBytes = await uploadBound(ctx, row.projectId, hardLimit)
    if (input.announcedBytes !== undefined && input.announcedBytes > maxBytes) throw tooLarge()
    // A killed process may have left bytes of an earlier upload; the claim makes this upload the only one.
    await store.discard(row.id)
    const staged = await receive(ctx, row, input.source, maxBytes)
    const virtualBytes = await inspect(ctx, row, staged)
    return viewOf(ctx, await accept(ctx, row, { ...staged, virtualBytes }, input.stage === true))
  } catch (error) {
    await store.discard(row.id)
    const failure = (await isDeleted(ctx, row.id)) ? deletedMeanwhile(error) : refusal(error)
    await giveUp(ctx, row, failure)
    throw failure
  }
}

type Upload = { id: string; source: Readable; stage?: boolean; announcedBytes?: number }
/** The reason in the error of an upload that has to wait for others. */
export const tooManyUploads = 'tooManyUploads'
/** States in which bytes arrive while there is no blob yet. */
export const receiving = ['saving', 'uploading']

/** Claims the image for one upload: queued → saving (or uploading, to be imported later); the database decides. */
async function claim(ctx: Ctx, { id, stage }: Upload): Promise<ImageRow> {
  return inTransaction(ctx, async (tx) => {
    const row = await lockImage(tx, 'image:upload', id)
    await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`image-uploads:${row.projectId}`}))`
    const underWay = await tx.db.image.count({
      where: { projectId: row.projectId, state: { in: receiving }, blobId: null },
    })
    if (underWay >= uploadsAtOnce)
      throw conflict(
        `${underWay} uploads of this project are under way. Wait until one is done.`,
        tooManyUploads,
      )
    if (row.state === 'queued' && (row.diskFormat === null || row.containerFormat === null))
      throw conflict('Say the disk format (raw or qcow2) and the container format (bare) of the image first.')
    const { count } = await tx.db.image.updateMany({
      where: { id, state: 'queued' },
      data: { state: stage ? 'uploading' : 'saving', uploadedBytes: 0, errorMessage: null },
    })
    if (count === 0) {
      const allowed = imageCan.upload({ state: stateOf(row) })
      throw conflict(allowed === true ? 'Another upload of this image has just begun.' : allowed)
    }
    await tx.db.$executeRaw`UPDATE "Image" SET "updatedAt" = clock_timestamp() WHERE "id" = ${id}::uuid`
    await noteImage(tx, row, 'updated')
    return row
  })
}

async function receive(ctx: Ctx, row: ImageRow, source: Readable, maxBytes: number): Promise<StagedImage> {
  const stop = new AbortController()
  let isOver = false
  let lastWrite = 0
  let received = 0
  let writing: Promise<void> = Promise.resolve()
  const tell = () => {
    writing = writing
      .then(() => progress(ctx, row, received, stop))
      .then(async () => {
        if (isOver || (await stagedBytes(ctx, row.projectId)) <= maxBytes) return
        isOver = true
        stop.abort()
      })
  }
  const idle = setTimeout(() => {
    stop.abort()
    source.destroy(new Error('upload idle'))
  }, idleMs)
  const onBytes = (total: number) => {
    idle.refresh()
    received = total
    if (Date.now() - lastWrite < progressMs) return
    lastWrite = Date.now()
    tell()
  }
  const alive = setInterval(tell, uploadPatience.tellMs)
  try {
    return await imageStore(ctx.deps).stage(row.id, source, { maxBytes, onBytes, signal: stop.signal })
  } catch (error) {
    throw isOver ? tooLarge(error) : error
  } finally {
    clearTimeout(idle)
    clearInterval(alive)
    await writing
  }
}

/**
 * Bytes that all uploads of the project have brought so far: together they may bring no more than a single upload may.
 */
async function stagedBytes(ctx: Ctx, projectId: string): Promise<number> {
  const sum = await ctx.deps.root.image.aggregate({
    where: { projectId, state: { in: receiving }, blobId: null },
    _sum: { uploadedBytes: true },
  })
  return Number(sum._sum.uploadedBytes ?? 0)
}

/** Writes the progress of the upload; when the image was deleted meanwhile, ends the upload. */
async function progress(ctx: Ctx, row: ImageRow, total: number, stop: AbortController): Promise<void> {
  // The time is that of the database, by which reconcile.ts decides whether an upload is dead.
  const count = await ctx.deps.root.$executeRaw`
    UPDATE "Image" SET "uploadedBytes" = ${total}, "updatedAt" = clock_timestamp()
    WHERE "id" = ${row.id}::uuid AND "state" = ANY(${receiving})`
  if (count === 0) stop.abort()
  else await noteImage(ctx, row, 'updated', { uploadedBytes: total })
}

/**
 * Returns the virtual size in bytes. Throws invalid_input with the reason when the bytes are not of the declared
 * format.
 */
async function inspect(ctx: Ctx, row: ImageRow, staged: StagedImage): Promise<number> {
  const store = imageStore(ctx.deps)
  const head = await store.readStaged(row.id, 0, Math.min(headBytes, staged.sizeBytes))
  const tail = await store.readStaged(row.id, Math.max(0, staged.sizeBytes - 512), 512)
  const found = inspectImage(formatOf(row) ?? 'raw', { head, tail, sizeBytes: staged.sizeBytes })
  if (!found.ok) throw invalidInput(found.reason)
  return found.virtualBytes
}

/**
 * Reserves quota by the real size of the disk, writes the facts of the bytes and starts the import (unless the bytes
 * stay staged), all in one transaction.
 */
async function accept(
  ctx: Ctx,
  row: ImageRow,
  staged: StagedImage & { virtualBytes: number },
  wait: boolean,
): Promise<ImageRow> {
  const { sizeBytes, virtualBytes } = staged
  return inTransaction(ctx, async (tx) => {
    await reserveQuota(tx, row.projectId, { imageGib: imageGib({ sizeBytes, virtualBytes }) })
    const { count } = await tx.db.image.updateMany({
      where: { id: row.id, state: { in: receiving }, blobId: null },
      data: {
        sizeBytes,
        uploadedBytes: sizeBytes,
        virtualBytes,
        checksumMd5: staged.md5,
        sha256: staged.sha256,
        sha512: staged.sha512,
        blobId: staged.sha256,
      },
    })
    if (count === 0) throw deletedMeanwhile()
    if (!wait) await startOperation(tx, historyOf(row, 'image.import'))
    await noteImage(tx, row, 'updated')
    return tx.db.image.findUniqueOrThrow({ where: { id: row.id } })
  })
}

/**
 * Whether the image was deleted. The stream or the row may fail first: both are the same event, and the uploader hears
 * the same error.
 */
async function isDeleted(ctx: Ctx, id: string): Promise<boolean> {
  const row = await ctx.deps.root.image.findUnique({ where: { id }, select: { state: true } })
  return row?.state === 'deleted' || row === null
}

const tooLarge = (cause?: unknown) =>
  new CloudError(
    'quota_exceeded',
    'The upload is larger than the project may still store. Delete images or ask for more quota.',
    { cause },
  )
const words: Partial<Record<string, string>> = {
  no_capacity: 'The cloud has no room for this image. Tell your administrator.',
  unavailable: 'The upload was ended because no data came.',
  conflict: 'An upload of this image is under way.',
}

/** The error that the uploader receives. Errors of the stream (the other side hung up) are no faults of the cloud. */
function refusal(error: unknown): CloudError {
  if (error instanceof CloudError) return error
  // This error comes from the size limit of the store; a full disk has an error of the system as its cause.
  if (error instanceof DriverError && error.code === 'no_space' && error.cause === undefined)
    return tooLarge(error)
  const translated = toCloudError(error)
  if (translated.code === 'internal')
    return new CloudError(
      'invalid_input',
      'The upload broke off before all data had come. Upload it again.',
      {
        cause: error,
        detail: translated.detail ?? undefined,
      },
    )
  return new CloudError(translated.code, words[translated.code] ?? translated.message, { cause: error })
}

/**
 * Ends a failed upload. Refused bytes set the image to killed; any other failure leaves the image as it was before the
 * upload.
 */
async function giveUp(ctx: Ctx, row: ImageRow, failure: CloudError): Promise<void> {
  const refused = failure.code === 'invalid_input' && failure.cause === undefined
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.image.updateMany({
      where: { id: row.id, state: { in: receiving }, blobId: null },
      data: { state: refused ? 'killed' : 'queued', uploadedBytes: 0, errorMessage: failure.message },
    })
    if (count > 0) await noteImage(tx, row, 'updated')
  })
}
