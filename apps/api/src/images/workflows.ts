import { hostsUp } from '../hosts/service.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { operationsAhead } from '../kernel/history.ts'
import { driverCode, plainOp, whileAnswering } from '../kernel/hosts.ts'
import type { Run, Wait, Workflow } from '../kernel/workflow.ts'
import { releaseQuota } from '../quota/service.ts'
import { formatOf, type ImageRow, noteImage } from './load.ts'
import { paidGib } from './quota.ts'
import { imageStore } from './store.ts'

/** Images in these states keep their blob; the bytes of images in other states may be removed. */
export const statesWithBytes = ['saving', 'uploading', 'importing', 'active', 'deactivated']
const imported = ['active', 'deactivated']
/** Includes the states after an import, because a finished step may run again. */
const beingImported = ['saving', 'importing', ...imported]

const current = async (run: Run<unknown>): Promise<ImageRow | null> =>
  run.ctx.deps.root.image.findUnique({ where: { id: run.resourceId } })

/**
 * Returns the row while the image is being imported. When the image was deleted meanwhile, the error ends and undoes
 * the import.
 */
async function importing(run: Run<unknown>): Promise<ImageRow & { blobId: string }> {
  const row = await current(run)
  const { state, blobId } = row ?? {}
  if (!row || !blobId || !beingImported.includes(state ?? ''))
    throw new CloudError('conflict', 'The image was deleted while it was being imported.')
  return { ...row, blobId }
}

/**
 * Most images of one project that are converted at the same time, so that other projects get a turn at the converters
 * of the hosts.
 */
const convertedAtOnce = 2
const isItsTurn = async (run: Run<unknown>): Promise<boolean> =>
  (await operationsAhead({ db: run.ctx.deps.root }, run.operationId, 'image.import')) < convertedAtOnce

/** The host goes on converting while the operation waits without holding a slot. */
const converting: Wait = { waitMs: 2_000, for: 'the host to convert the image' }

export const imageImport: Workflow = {
  action: 'image.import',
  lane: 'long',
  // Long enough for a large image on a slow disk. A host that does not answer ends its step within seconds.
  deadlineMs: 2 * 60 * 60_000,
  steps: [
    {
      name: 'keep',
      title: 'Keeping the bytes',
      async run(run) {
        const { id, blobId } = await importing(run)
        // On a replay, or when another image has the same bytes, the blob exists already, which is success.
        await withBlob(run.ctx, blobId, () => imageStore(run.ctx.deps).commit(id, blobId))
      },
      async undo(run) {
        const row = await current(run)
        await imageStore(run.ctx.deps).discard(run.resourceId)
        if (row?.blobId) await dropUnused(run.ctx, row.blobId, { except: row.id })
      },
    },
    {
      name: 'convert',
      title: 'Converting it for the hosts',
      async run(run) {
        const row = await importing(run)
        if (!(await isItsTurn(run))) return { waitMs: 2_000, for: 'other images of the project' }
        const host = await converterOf(run)
        const spec = {
          blobId: row.blobId,
          format: formatOf(row) ?? ('raw' as const),
          maxVirtualBytes: Number(row.virtualBytes),
        }
        const drivers = run.ctx.deps.hosts.at(host.endpoint)
        const made = await whileAnswering(run.op, drivers, (op) =>
          drivers.storage.ensureBase(op, spec),
        ).catch(async (error: unknown) => {
          // The next try may use another host.
          await run.keep({ hostId: '' })
          throw refused(error)
        })
        if (!made) return converting
      },
    },
    {
      name: 'settle',
      title: 'Making it ready',
      async run(run) {
        await inTransaction(run.ctx, async (tx) => {
          const { count } = await tx.db.image.updateMany({
            where: { id: run.resourceId, state: { in: ['saving', 'importing'] } },
            data: { state: 'active', errorMessage: null },
          })
          const row = await tx.db.image.findUnique({ where: { id: run.resourceId } })
          if (!row || (count === 0 && !imported.includes(row.state)))
            throw new CloudError('conflict', 'The image was deleted while it was being imported.')
          await noteImage(tx, row, 'updated')
        })
      },
    },
  ],
  async onFailed(run, error) {
    await inTransaction(run.ctx, async (tx) => {
      await tx.db.$queryRaw`SELECT 1 FROM "Image" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
      const row = await tx.db.image.findUnique({ where: { id: run.resourceId } })
      if (!row || row.state === 'deleted' || row.state === 'killed') return
      await releaseQuota(tx, row.projectId, { imageGib: paidGib(row) })
      await tx.db.image.update({
        where: { id: row.id },
        data: { state: 'killed', errorMessage: error.message, blobId: null },
      })
      await noteImage(tx, row, 'updated')
    })
  },
}

export const imageDeletion: Workflow = {
  action: 'image.delete',
  lane: 'long',
  deadlineMs: 10 * 60_000,
  steps: [
    {
      name: 'bytes',
      title: 'Removing its bytes',
      async run(run) {
        const row = await current(run)
        await imageStore(run.ctx.deps).discard(run.resourceId)
        if (row?.blobId) await dropUnused(run.ctx, row.blobId, { except: row.id })
      },
    },
  ],
  // The row is deleted already; the reconciler goes on trying to remove the bytes that are left.
  async onFailed(run, error) {
    run.ctx.log.error({ err: error, imageId: run.resourceId }, 'bytes of a deleted image are left')
  },
}

/** Returns the host that has begun the conversion, or any host that is up. */
async function converterOf(run: Run<unknown>): Promise<{ endpoint: string }> {
  const hosts = await hostsUp({ db: run.ctx.deps.root })
  const host =
    hosts.find(({ id }) => id === run.data.hostId) ?? hosts[Math.floor(Math.random() * hosts.length)]
  if (!host) throw new CloudError('unavailable', 'No host is up to convert the image.')
  if (host.id !== run.data.hostId) await run.keep({ hostId: host.id })
  return host
}

/** An image that the converter refuses is faulty itself; the host has no fault. */
function refused(error: unknown): unknown {
  if ((error as { code?: unknown }).code !== 'invalid') return error
  return new CloudError('invalid_input', 'The image could not be read to its end: it is damaged.', {
    cause: error,
    detail: error instanceof Error ? error.message : undefined,
  })
}

/** Runs `work` under a lock, so that no process adds or removes this blob meanwhile. */
async function withBlob<T>(ctx: Ctx, blobId: string, work: () => Promise<T>): Promise<T> {
  return ctx.deps.root.$transaction(
    async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`blob:${blobId}`}))`
      return work()
    },
    { timeout: 60_000, maxWait: 30_000 },
  )
}

/**
 * Removes the blob and the bases made of it, unless an image other than `except` has the same bytes. A blob that is
 * already gone is success. A base under a disk that a host still has stays, and the reconciler tries again later.
 * Returns whether no blob and no base of it is left.
 */
export async function dropUnused(
  ctx: Ctx,
  blobId: string,
  { except, toTrash = false }: { except?: string; toTrash?: boolean } = {},
): Promise<boolean> {
  return withBlob(ctx, blobId, async () => {
    const users = await ctx.deps.root.image.count({
      where: {
        blobId,
        state: { in: statesWithBytes },
        ...(except ? { NOT: { id: except } } : {}),
      },
    })
    if (users > 0) return false
    // A worker that was frozen since has lost the lock, too, and the bytes may belong to another image by now.
    ctx.deps.holder?.check()
    let gone = true
    const store = imageStore(ctx.deps)
    await (toTrash ? store.trash.put(blobId) : store.remove(blobId))
    const hosts = await hostsUp({ db: ctx.deps.root })
    await Promise.all(
      hosts.map(async (host) => {
        const drivers = ctx.deps.hosts.at(host.endpoint)
        await whileAnswering(plainOp(ctx), drivers, (op) => drivers.storage.removeBase(op, blobId)).catch(
          (error: unknown) => {
            const code = driverCode(error)
            if (code !== 'unavailable' && code !== 'conflict') throw error
            // A disk uses the base, or the host is silent: the base is removed when that has changed.
            gone = false
            ctx.log.warn({ err: error, host: host.name, blobId }, 'a base is kept for now')
          },
        )
      }),
    )
    return gone
  })
}
