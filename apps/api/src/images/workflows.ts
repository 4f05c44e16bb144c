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

/** Images in these states keep their blob; the others' bytes may go. */
export const statesWithBytes = ['saving', 'uploading', 'importing', 'active', 'deactivated']
const imported = ['active', 'deactivated']
/** Imported already when a finished step is run again. */
const beingImported = ['saving', 'importing', ...imported]

const current = async (run: Run<unknown>): Promise<ImageRow | null> =>
  run.ctx.deps.root.image.findUnique({ where: { id: run.resourceId } })

/** The row while it is being imported; deleted meanwhile: the import ends and undoes. */
async function importing(run: Run<unknown>): Promise<ImageRow & { blobId: string }> {
  const row = await current(run)
  const { state, blobId } = row ?? {}
  if (!row || !blobId || !beingImported.includes(state ?? ''))
    throw new CloudError('conflict', 'The image was deleted while it was being imported.')
  return { ...row, blobId }
}

/** So many images of one project are converted at once: others want their turn at the hosts' converters. */
const convertedAtOnce = 2
const isItsTurn = async (run: Run<unknown>): Promise<boolean> =>
  (await operationsAhead({ db: run.ctx.deps.root }, run.operationId, 'image.import')) < convertedAtOnce

/** The host goes on converting; nobody waits for it in a slot. */
const converting: Wait = { waitMs: 2_000, for: 'the host to convert the image' }

export const imageImport: Workflow = {
  action: 'image.import',
  lane: 'long',
  // A large image on a slow disk. One that does not answer ends its step within seconds.
  deadlineMs: 2 * 60 * 60_000,
  steps: [
    {
      name: 'keep',
      title: 'Keeping the bytes',
      async run(run) {
        const { id, blobId } = await importing(run)
        // On a replay, or when another image has the same bytes, the blob is there already: success.
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
          // The next try is another's.
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
  // The row is deleted already; the reconciler goes on trying for what is left of the bytes.
  async onFailed(run, error) {
    run.ctx.log.error({ err: error, imageId: run.resourceId }, 'bytes of a deleted image are left')
  },
}

/** The host that has begun with it, or any one that is up. */
async function converterOf(run: Run<unknown>): Promise<{ endpoint: string }> {
  const hosts = await hostsUp({ db: run.ctx.deps.root })
  const host =
    hosts.find(({ id }) => id === run.data.hostId) ?? hosts[Math.floor(Math.random() * hosts.length)]
  if (!host) throw new CloudError('unavailable', 'No host is up to convert the image.')
  if (host.id !== run.data.hostId) await run.keep({ hostId: host.id })
  return host
}

/** What a converter refuses is the image's fault, not the host's. */
function refused(error: unknown): unknown {
  if ((error as { code?: unknown }).code !== 'invalid') return error
  return new CloudError('invalid_input', 'The image could not be read to its end: it is damaged.', {
    cause: error,
    detail: error instanceof Error ? error.message : undefined,
  })
}

/** Nobody adds or removes this blob while `work` runs, in any process. */
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
 * Removes the blob and the bases made of it unless another image (than `except`) has the same bytes. Gone
 * is success. A base under a disk that a host still has stays; the reconciler comes again. Returns
 * whether nothing of it is left.
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
    // One that was frozen since has lost the lock, too, and the bytes may be another image's by now.
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
            // A disk lies on it, or the host is silent: it goes when that has changed.
            gone = false
            ctx.log.warn({ err: error, host: host.name, blobId }, 'a base is kept for now')
          },
        )
      }),
    )
    return gone
  })
}
