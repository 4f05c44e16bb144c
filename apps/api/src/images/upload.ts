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
import { imageGib, uploadBound, uploadsAtOnce } from './quota.ts'
import { imageStore } from './store.ts'

/** Largest file that is taken, whatever the quota: 1 TiB. */
const hardLimit = 1024 ** 4
/** A stream that is silent for so long is given up. */
const idleMs = 30_000
const progressMs = 1000
/**
 * What has come is written to the disk at the end, which takes minutes for much on a slow one: the row says
 * so often that this process lives (reconcile.ts takes a silent one for dead). A variable for tests alone.
 */
export const uploadPatience = { tellMs: 15_000 }

/**
 * Streams the bytes of a queued image to the store, looks at them, and hands the conversion to a
 * workflow: when this resolves they are safe and the image is `saving`. With `stage` they wait for
 * importStagedImage instead and the image is `uploading`. Bytes that are refused kill the image with
 * the reason; an upload that breaks off leaves it queued, to be tried again. Nothing stays in
 * staging on failure. `announcedBytes`: what the sender says will come, to refuse too much at once.
 */
export async function uploadImage(ctx: Ctx, input: Upload): Promise<ImageView> {
  const row = await claim(ctx, input)
  const store = imageStore(ctx.deps)
  try {
    const maxBytes = await uploadBound(ctx, row.projectId, hardLimit)
    if (input.announcedBytes !== undefined && input.announcedBytes > maxBytes) throw tooLarge()
    // Left by a process that was killed in an earlier upload; the claim makes it ours alone.
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
/** States in which bytes are on their way while there is no blob yet. */
export const receiving = ['saving', 'uploading']

/** One upload at a time: queued → saving (or uploading, to be imported later), decided by the database. */
async function claim(ctx: Ctx, { id, stage }: Upload): Promise<ImageRow> {
  return inTransaction(ctx, async (tx) => {
    const row = await lockImage(tx, 'image:upload', id)
    await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`image-uploads:${row.projectId}`}))`
    const underWay = await tx.db.image.count({
      where: { projectId: row.projectId, state: { in: receiving }, blobId: null },
    })
    if (underWay >= uploadsAtOnce)
      throw conflict(`${underWay} uploads of this project are under way. Wait until one is done.`)
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

/** What all uploads of the project have brought so far: together they may bring no more than one alone. */
async function stagedBytes(ctx: Ctx, projectId: string): Promise<number> {
  const sum = await ctx.deps.root.image.aggregate({
    where: { projectId, state: { in: receiving }, blobId: null },
    _sum: { uploadedBytes: true },
  })
  return Number(sum._sum.uploadedBytes ?? 0)
}

/** Also finds out that the image was deleted meanwhile, and ends the upload then. */
async function progress(ctx: Ctx, row: ImageRow, total: number, stop: AbortController): Promise<void> {
  // By the clock of the database, which says whether an upload is dead (reconcile.ts).
  const count = await ctx.deps.root.$executeRaw`
    UPDATE "Image" SET "uploadedBytes" = ${total}, "updatedAt" = clock_timestamp()
    WHERE "id" = ${row.id}::uuid AND "state" = ANY(${receiving})`
  if (count === 0) stop.abort()
  else await noteImage(ctx, row, 'updated', { uploadedBytes: total })
}

/** Throws invalid_input with the reason when the bytes are not what they were declared to be. */
async function inspect(ctx: Ctx, row: ImageRow, staged: StagedImage): Promise<number> {
  const store = imageStore(ctx.deps)
  const head = await store.readStaged(row.id, 0, Math.min(headBytes, staged.sizeBytes))
  const tail = await store.readStaged(row.id, Math.max(0, staged.sizeBytes - 512), 512)
  const found = inspectImage(formatOf(row) ?? 'raw', { head, tail, sizeBytes: staged.sizeBytes })
  if (!found.ok) throw invalidInput(found.reason)
  return found.virtualBytes
}

/**
 * Quota by what the disk will really need, the facts of the bytes, and the import (unless it is to
 * wait): one transaction.
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

/** Whatever broke first, the stream or the row: it is one event, and the uploader hears the same. */
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

/** What the uploader is told. Errors of the stream (the other side hung up) are no fault of ours. */
function refusal(error: unknown): CloudError {
  if (error instanceof CloudError) return error
  // The store's own bound; a full disk has the system's error as its cause.
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

/** Refused bytes kill the image; everything else leaves it as it was before the upload. */
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
