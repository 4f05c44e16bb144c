import { driversOf } from '../../hosts/service.ts'
import { dropMadeImage, storeExport } from '../../images/service.ts'
import { isFollowedBy } from '../../kernel/busy.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { whileAnswering } from '../../kernel/hosts.ts'
import { type Run, soonAgain, type Workflow } from '../../kernel/workflow.ts'
import { copyingMs } from '../copying.ts'
import { driversFor, isOnFencedHost } from '../driver.ts'
import { tellFailure } from '../messages/service.ts'
import { specOf } from '../pools.ts'
import { type VolumeRow, withParts } from '../queries.ts'
import { noteVolume, type Source } from '../row.ts'

const rootCtx = (run: Run<unknown>): Ctx => ({ ...run.ctx, db: run.ctx.deps.root })
const current = (run: Run<unknown>): Promise<VolumeRow | null> =>
  run.ctx.deps.root.volume.findUnique({ where: { id: run.resourceId }, include: withParts })
async function rowOf(run: Run<unknown>): Promise<VolumeRow> {
  const row = await current(run)
  if (!row) throw new CloudError('conflict', 'The volume is gone.')
  return row
}

/**
 * Tells whether a later operation of that kind has begun. Such an operation begins only when this one has written its
 * end, so that the state of the volume is not this operation's any more.
 */
const isOver = (ctx: Ctx, run: Run<unknown>, action: string): Promise<boolean> =>
  isFollowedBy(ctx, run.operationId, action, {})

/** Writes the end of an operation, unless the volume is in another state than `from` by then. */
async function settle(
  run: Run<unknown>,
  { from, action }: { from: string; action: string },
  dataOf: (row: VolumeRow) => object,
): Promise<void> {
  await inTransaction(rootCtx(run), async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    const row = await tx.db.volume.findFirst({
      where: { id: run.resourceId, state: from },
      include: withParts,
    })
    if (!row || (await isOver(tx, run, action))) return
    await tx.db.volume.update({ where: { id: row.id }, data: dataOf(row) })
    await noteVolume(tx, row, 'updated', run.operationId)
  })
}

type Making = { imageId: string; format: 'raw' | 'qcow2'; poolId: string }
const making = { from: 'uploading', action: 'volume.make_image' }
const endMaking = (run: Run<unknown>) =>
  settle(run, making, ({ attachments }) => ({ state: attachments.length > 0 ? 'in-use' : 'available' }))

/** The host that writes the file: the same one until the end, because it works on while nobody asks. */
async function writerOf(run: Run<Making>) {
  const pool = await run.ctx.deps.root.volumePool.findUnique({ where: { id: run.input.poolId } })
  if (!pool) throw new CloudError('conflict', 'The pool of the volume is gone.')
  const known = run.data.hostId
  if (typeof known === 'string') return { drivers: await driversOf(rootCtx(run), known), pool: specOf(pool) }
  const writer = await driversFor(run, pool, run.resourceId)
  await run.keep({ hostId: writer.hostId })
  return writer
}

/** Also when the volume is gone. The name of the export is the id of its image. */
async function removeExport(run: Run<Making>): Promise<void> {
  const { hostId } = run.data
  // No host has been asked for the file.
  if (typeof hostId !== 'string' || (await isOnFencedHost(run, { hostId }))) return
  const { drivers, pool } = await writerOf(run)
  await whileAnswering(run.op, drivers, (op) =>
    drivers.volumes.removeExport(op, { id: run.resourceId, pool, exportId: run.input.imageId }),
  )
}

export const volumeImageMaking: Workflow<Making> = {
  action: making.action,
  lane: 'long',
  deadlineMs: copyingMs,
  steps: [
    {
      name: 'copy',
      title: 'Copying its data',
      async run(run) {
        const row = await rowOf(run)
        const { imageId, format } = run.input
        const { drivers, pool } = await writerOf(run)
        const made = await whileAnswering(run.op, drivers, (op) =>
          drivers.volumes.exportVolume(op, { id: row.id, pool, exportId: imageId, format }),
        )
        if (!made) return soonAgain(run, 'the host to copy the data')
      },
      undo: removeExport,
    },
    {
      name: 'store',
      title: 'Storing the image',
      run: (run) => storeExport(rootCtx(run), run.op, run.input.imageId),
    },
    { name: 'tidy', title: 'Removing the copy', run: removeExport },
    {
      name: 'release',
      title: 'Making the volume available again',
      run: endMaking,
    },
  ],
  async onFailed(run, error) {
    await dropMadeImage(rootCtx(run), run.input.imageId)
    await endMaking(run)
    const row = await current(run)
    if (!row) return
    const about = { resource: 'VOLUME', resourceId: row.id, projectId: row.projectId } as const
    await tellFailure(run, { ...about, action: 'copyVolumeToImage' }, error)
  },
}

type Reimage = { imageId: string; imageName: string; source: Source }
const reimaging = { from: 'downloading', action: 'volume.reimage' }

export const volumeReimage: Workflow<Reimage> = {
  action: reimaging.action,
  deadlineMs: 60 * 60_000,
  steps: [
    {
      name: 'reimage',
      title: 'Writing the image',
      async run(run) {
        const row = await rowOf(run)
        // A worker may have died when the end was written and the step was not recorded yet. By now somebody may have
        // written to the volume.
        if (row.state === reimaging.from && !(await isOver(run.ctx, run, reimaging.action))) {
          const { blobId, format } = run.input.source
          const { drivers, pool } = await driversFor(run, row.pool, row.id)
          const base = { blobId, format, maxVirtualBytes: row.sizeGib * 1024 ** 3 }
          const made = await whileAnswering(run.op, drivers, (op) =>
            drivers.volumes.reimageVolume(op, { id: row.id, pool, base }),
          )
          if (!made) return soonAgain(run, 'the host to convert the image')
        }
        const { imageId, imageName, source } = run.input
        await settle(run, reimaging, () => ({
          ...{ state: 'available', bootable: true, imageId, imageName, source, faultMessage: null },
          // The data come from the image alone. The lineage stays: snapshots of the volume may share layers with others.
          ...{ snapshotId: null, sourceVolumeId: null },
        }))
      },
    },
  ],
  async onFailed(run, error) {
    // Drivers put the new content in the place of the old one whole.
    await settle(run, reimaging, () => ({ state: 'error', faultMessage: error.message, isWhole: true }))
    const row = await current(run)
    if (!row) return
    const about = { resource: 'VOLUME', resourceId: row.id, projectId: row.projectId } as const
    await tellFailure(run, { ...about, action: 'reimageVolume' }, error)
  },
}
