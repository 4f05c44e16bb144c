import { imageStorePlace, sweep } from '../hosts/service.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { plainOp } from '../kernel/hosts.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { buriedAmong } from '../kernel/tombstones.ts'
import { noteImage } from './load.ts'
import { imageStore } from './store.ts'
import { receiving } from './upload.ts'
import { dropUnused, statesWithBytes } from './workflows.ts'

/** An upload writes its progress every second or ends within 30; silence for longer means a dead process. */
const deadUploadMs = 60_000

defineReconciler({ name: 'images.bytes', everyMs: 60_000, run: reconcileImages })

/** Uploads of processes that died, staged files, blobs and bases that belong to no image any more. */
export async function reconcileImages(ctx: Ctx): Promise<void> {
  await requeueDeadUploads(ctx)
  await removeStaged(ctx)
  const store = imageStore(ctx.deps)
  const { blobs } = await store.list()
  const sizes = new Map(blobs.map((blob) => [blob.id, blob.sizeBytes]))
  const found = [...new Set([...sizes.keys(), ...(await allBases(ctx))])].map((id) => ({
    id,
    facts: { details: sizeOf(sizes.get(id)) },
  }))
  const ids = found.map(({ id }) => id)
  const known = await used(ctx, ids)
  const buried = await buriedAmong(ctx, 'blob', ids)
  await sweep(ctx, { hostId: imageStorePlace, kind: 'blob', found, known, buried }, ({ id, why }) =>
    dropUnused(ctx, id, { toTrash: why === 'unknown' }),
  )
  await store.trash.empty({ olderThanMs: ctx.deps.config.keepUnknownMs })
}

const sizeOf = (bytes: number | undefined): string =>
  bytes === undefined ? 'a copy on a host' : `${(bytes / 1024 ** 2).toFixed(1)} MiB`

async function requeueDeadUploads(ctx: Ctx): Promise<void> {
  const silent = {
    state: { in: receiving },
    blobId: null,
    updatedAt: { lt: new Date(Date.now() - deadUploadMs) },
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

/** A staged file belongs to an image that is being saved; others were left by a killed process. */
async function removeStaged(ctx: Ctx): Promise<void> {
  const store = imageStore(ctx.deps)
  const old = (await store.list()).staged.filter((file) => file.ageMs > deadUploadMs)
  if (old.length === 0) return
  const saving = await ctx.db.image.findMany({
    where: { id: { in: old.map((file) => file.id) }, state: { in: [...receiving, 'importing'] } },
    select: { id: true },
  })
  const wanted = new Set(saving.map((row) => row.id))
  for (const file of old) if (!wanted.has(file.id)) await store.discard(file.id)
}

async function allBases(ctx: Ctx): Promise<string[]> {
  const hosts = await ctx.db.host.findMany({ where: { state: 'up' } })
  const lists = await Promise.all(
    hosts.map((host) =>
      ctx.deps.hosts
        .at(host.endpoint)
        .storage.listBases(plainOp(ctx))
        .catch((error: unknown) => {
          ctx.log.warn({ err: error, host: host.name }, 'bases could not be listed')
          return []
        }),
    ),
  )
  return lists.flat()
}

async function used(ctx: Ctx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await ctx.db.image.findMany({
    where: { blobId: { in: [...ids] }, state: { in: statesWithBytes } },
    select: { blobId: true },
  })
  return new Set(rows.flatMap((row) => row.blobId ?? []))
}
