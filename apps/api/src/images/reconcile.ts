import { Prisma } from '@stratolith/db'
import { allHosts, imageStorePlace, kept, sweep } from '../hosts/service.ts'
import { followsDatabase } from '../kernel/cloud.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { isUnderWay } from '../kernel/history.ts'
import { plainOp, whileAnswering } from '../kernel/hosts.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { buriedAmong, laidToRest } from '../kernel/tombstones.ts'
import { noteImage } from './load.ts'
import { imageStore } from './store.ts'
import { receiving } from './upload.ts'
import { dropUnused, statesWithBytes } from './workflows.ts'

/** An upload writes its progress every second or ends within 30; silence for longer means a dead process. */
const deadUploadMs = 60_000

export const imageBytes: Reconciler = { name: 'images.bytes', everyMs: 60_000, run: reconcileImages }

/** Ends uploads of processes that died, and removes staged files, blobs and bases that belong to no image any more. */
export async function reconcileImages(ctx: Ctx): Promise<void> {
  if (!(await followsDatabase(ctx))) {
    ctx.log.error('the database is not the one that this data folder follows: no bytes are removed for it')
    return
  }
  await requeueDeadUploads(ctx)
  await removeStaged(ctx)
  const store = imageStore(ctx.deps)
  const { blobs } = await store.list()
  const sizes = new Map(blobs.map((blob) => [blob.id, blob.sizeBytes]))
  const bases = await allBases(ctx)
  const found = [...new Set([...sizes.keys(), ...bases.ids])].map((id) => ({
    id,
    facts: { details: sizeOf(sizes.get(id)) },
  }))
  const ids = found.map(({ id }) => id)
  const known = await used(ctx, ids)
  const buried = await buriedAmong(ctx, 'blob', ids)
  const isKnown = async (id: string) => (await used(ctx, [id])).size > 0
  const { partial } = bases
  // Blobs go to the trash, whatever the reason: the bytes of a deleted image were already removed by its workflow.
  await sweep(
    ctx,
    { hostId: imageStorePlace, kind: 'blob', found, known, buried, isKnown, partial },
    async ({ id }) => ((await dropUnused(ctx, id, { toTrash: true })) ? undefined : kept),
  )
  if (!partial) await laidToRest(ctx, 'blob', imageStorePlace, ids)
  await store.trash.empty({ olderThanMs: ctx.deps.config.keepUnknownMs })
}

const sizeOf = (bytes: number | undefined): string =>
  bytes === undefined ? 'a copy on a host' : `${(bytes / 1024 ** 2).toFixed(1)} MiB`

const saving = [...receiving, 'importing']

/** The time of the database, because the progress of an upload is written by that clock (upload.ts). */
async function databaseNow(ctx: Ctx): Promise<number> {
  const [row] = await ctx.db.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS "now"`
  return row?.now.getTime() ?? Number.NaN
}

async function requeueDeadUploads(ctx: Ctx): Promise<void> {
  const silent = {
    state: { in: receiving },
    blobId: null,
    updatedAt: { lt: new Date((await databaseNow(ctx)) - deadUploadMs) },
  }
  const dead = await ctx.db.image.findMany({ where: silent })
  for (const row of dead)
    await inTransaction(ctx, async (tx) => {
      const { count } = await tx.db.image.updateMany({
        where: { id: row.id, ...silent },
        data: {
          state: 'queued',
          uploadedBytes: 0,
          errorMessage: 'The upload was cut off. Upload it again.',
        },
      })
      if (count > 0) await noteImage(tx, row, 'updated')
    })
}

/**
 * Removes staged files that no upload needs. A staged file belongs to an image that is being saved. A file of an image
 * in another state was left by a killed process; a file of an image that no row knows waits until its time is over.
 */
async function removeStaged(ctx: Ctx): Promise<void> {
  const store = imageStore(ctx.deps)
  const old = (await store.list()).staged.filter((file) => file.ageMs > deadUploadMs)
  if (old.length === 0) return
  const rows = await ctx.db.image.findMany({
    where: { id: { in: old.map((file) => file.id) } },
    select: { id: true, state: true },
  })
  const stateOf = new Map(rows.map((row) => [row.id, row.state]))
  for (const { id, ageMs } of old) {
    const state = stateOf.get(id)
    const over = state === undefined ? ageMs > ctx.deps.config.keepUnknownMs : !saving.includes(state)
    if (!over || !(await isStillOver(ctx, id))) continue
    ctx.deps.holder?.check()
    await store.discard(id)
  }
}

/** Asks again whether the image is not being saved, because a new upload may have begun since the first look. */
async function isStillOver(ctx: Ctx, id: string): Promise<boolean> {
  const row = await ctx.db.image.findUnique({ where: { id }, select: { state: true } })
  return !saving.includes(row?.state ?? '')
}

/** The bases that hosts have made of images; `partial` when a host did not answer. */
async function allBases(ctx: Ctx): Promise<{ ids: string[]; partial: boolean }> {
  const all = await allHosts(ctx)
  const hosts = all.filter((host) => host.state === 'up')
  let partial = hosts.length < all.length
  const lists = await Promise.all(
    hosts.map((host) => {
      const drivers = ctx.deps.hosts.at(host.endpoint)
      return whileAnswering(plainOp(ctx), drivers, (op) => drivers.storage.listBases(op)).catch(
        (error: unknown) => {
          ctx.log.warn({ err: error, host: host.name }, 'bases could not be listed')
          partial = true
          return []
        },
      )
    }),
  )
  return { ids: lists.flat(), partial }
}

/**
 * The ids among `ids` that are in use: blobs of existing images, and blobs that a running deletion is about to remove
 * itself.
 */
async function used(ctx: Ctx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await ctx.db.$queryRaw<{ blobId: string }[]>`
    SELECT i."blobId" FROM "Image" i WHERE i."blobId" = ANY(${[...ids]}) AND (i."state" = ANY(${statesWithBytes})
      OR ${isUnderWay('image', Prisma.sql`i."id"::text`)})`
  return new Set(rows.map((row) => row.blobId))
}
