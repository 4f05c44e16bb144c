import type { VolumeSource } from '@stratolith/drivers/volumes/interface'
import { isFollowedBy } from '../kernel/busy.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { whileAnswering } from '../kernel/hosts.ts'
import { continueOperationsOf, type Run, soonAgain, type Workflow } from '../kernel/workflow.ts'
import { releaseQuota } from '../quota/service.ts'
import { endRestoring } from './backups/settling.ts'
import { copyingMs } from './copying.ts'
import { driversFor, isOnFencedHost } from './driver.ts'
import { encryptionFor, forgetKey } from './encryption/keys.ts'
import { type MessageAction, tellFailure } from './messages/service.ts'
import { dropCount } from './moves/quota.ts'
import { giveBack, giveBackAt } from './pools.ts'
import { type VolumeRow, withParts } from './queries.ts'
import { ofType } from './quota.ts'
import { noteVolume, sourceOf } from './row.ts'

const rootOf = (run: Run<unknown>): Ctx => ({ ...run.ctx, db: run.ctx.deps.root })
const current = (run: Run<unknown>): Promise<VolumeRow | null> =>
  run.ctx.deps.root.volume.findUnique({ where: { id: run.resourceId }, include: withParts })

/** The row of a volume on which this operation works. */
async function rowOf(run: Run<unknown>): Promise<VolumeRow> {
  const row = await current(run)
  if (!row) throw new CloudError('conflict', 'The volume is gone.')
  return row
}

/** The drivers of the host that reaches the pool of the volume, and the name of the volume there. */
async function placeOf(run: Run<unknown>, row: VolumeRow) {
  const { drivers, pool } = await driversFor(
    run,
    row.pool,
    row.sourceVolumeId !== null && row.state === 'creating' ? row.sourceVolumeId : row.id,
  )
  return { drivers, key: { id: row.id, pool } }
}

/** Writes the end of an operation, unless the volume is in another state than `from` by then. */
async function settle(
  run: Run<unknown>,
  from: string,
  data: { state: string; faultMessage?: string | null; isWhole?: boolean; trashedUntil?: null },
): Promise<void> {
  await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
    const { count } = await tx.db.volume.updateMany({ where: { id: run.resourceId, state: from }, data })
    if (count === 0) return
    const row = await tx.db.volume.findUniqueOrThrow({ where: { id: run.resourceId } })
    await noteVolume(tx, row, 'updated', run.operationId)
  })
}

/** The bytes with which the driver is to begin the volume; null for zeros. */
function driverSource(row: VolumeRow): VolumeSource | null {
  if (row.snapshotId !== null) return { kind: 'snapshot', id: row.snapshotId }
  if (row.sourceVolumeId !== null) return { kind: 'volume', id: row.sourceVolumeId }
  const image = sourceOf(row)
  if (image === null) return null
  const { blobId, format } = image
  return { kind: 'image', base: { blobId, format, maxVirtualBytes: row.sizeGib * 1024 ** 3 } }
}

const tell = (run: Run<unknown>, { id, projectId }: VolumeRow, action: MessageAction, error: CloudError) =>
  tellFailure(run, { resource: 'VOLUME', resourceId: id, projectId, action }, error)

const copying = 'the host to copy the data'
const converting = 'the host to convert the image'
const encrypting = 'the host to encrypt the volume'

export const volumeCreation: Workflow = {
  action: 'volume.create',
  // What has many layers is copied as a whole.
  deadlineMs: copyingMs,
  steps: [
    {
      name: 'make',
      title: 'Making it',
      async run(run) {
        const row = await rowOf(run)
        const { drivers, key } = await placeOf(run, row)
        const encryption = await encryptionFor(rootOf(run), row.keyId)
        const made = await whileAnswering(run.op, drivers, (op) =>
          drivers.volumes.ensureVolume(op, {
            ...key,
            sizeGib: row.sizeGib,
            source: driverSource(row),
            ...encryption,
          }),
        )
        if (!made && (row.snapshotId ?? row.sourceVolumeId) !== null) return soonAgain(run, copying)
        if (!made) return soonAgain(run, row.keyId === null ? converting : encrypting)
        await settleCreation(run, null)
      },
    },
  ],
  async onFailed(run, error) {
    const row = await current(run)
    await settleCreation(run, error.message)
    if (row) await tell(run, row, row.imageId === null ? 'makeVolume' : 'copyImageToVolume', error)
  },
}

/** Writes the end of a creation. A launch that waits for the volume goes on. */
async function settleCreation(run: Run<unknown>, faultMessage: string | null): Promise<void> {
  await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    const row = await tx.db.volume.findFirst({
      where: { id: run.resourceId, state: 'creating' },
      include: { attachments: true },
    })
    if (!row) return
    const made = row.attachments.length > 0 ? 'attaching' : 'available'
    const data = { state: faultMessage === null ? made : 'error', faultMessage }
    await tx.db.volume.update({ where: { id: row.id }, data })
    await noteVolume(tx, row, 'updated', run.operationId)
    for (const { instanceId } of row.attachments) await continueOperationsOf(tx, 'instance', instanceId)
    if (row.groupId !== null) await continueOperationsOf(tx, 'volumeGroup', row.groupId)
  })
}

const extension = 'volume.extend'
/**
 * Tells whether a later operation has made the volume larger or is to. Such an operation begins only when this one has
 * written its end, so that the state of the volume is not this operation's any more.
 */
const isExtended = (ctx: Ctx, run: Run<unknown>): Promise<boolean> =>
  isFollowedBy(ctx, run.operationId, extension, {})

/** Changes a volume that is being made larger, under its lock; nothing when this operation has written its end before. */
async function endExtension(
  run: Run<unknown>,
  change: (row: VolumeRow) => {
    state: string
    sizeGib: number
    reservedGib: number
    faultMessage: string | null
    isWhole?: boolean
  },
): Promise<void> {
  await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    const row = await tx.db.volume.findFirst({
      where: { id: run.resourceId, state: 'extending' },
      include: withParts,
    })
    if (!row || (await isExtended(tx, run))) return
    const data = change(row)
    await tx.db.volume.update({ where: { id: row.id }, data })
    const free = row.reservedGib - data.reservedGib
    if (free > 0) {
      await releaseQuota(tx, row.projectId, ofType(row.typeId, { volumeGib: free }))
      await giveBack(tx, row.pool, free)
    }
    await noteVolume(tx, row, 'updated', run.operationId)
  })
}

/** `reservedGib`: what was reserved before; absent in operations of earlier versions. */
export const volumeExtension: Workflow<{ sizeGib: number; reservedGib?: number }> = {
  action: extension,
  steps: [
    {
      name: 'grow',
      title: 'Making it larger',
      async run(run) {
        const row = await rowOf(run)
        // A worker may have died when the end was written and the step was not recorded yet.
        if (row.state !== 'extending' || (await isExtended(run.ctx, run))) return
        const { sizeGib } = run.input
        const { drivers, key } = await placeOf(run, row)
        await whileAnswering(run.op, drivers, (op) => drivers.volumes.growVolume(op, { ...key, sizeGib }))
        await endExtension(run, ({ attachments }) => ({
          state: attachments.length > 0 ? 'in-use' : 'available',
          ...{ sizeGib, reservedGib: sizeGib, faultMessage: null },
        }))
      },
    },
  ],
  async onFailed(run, error) {
    const row = await current(run)
    await endExtension(run, ({ attachments, sizeGib, reservedGib }) => ({
      // An instance goes on using a volume that could not grow; the operation says why.
      state: attachments.length > 0 ? 'in-use' : 'error_extending',
      sizeGib,
      // A host that has not answered may have made the volume larger, so the room is not given to anybody else.
      reservedGib: error.code === 'unavailable' ? reservedGib : (run.input.reservedGib ?? sizeGib),
      faultMessage: error.message,
      isWhole: true,
    }))
    if (row) await tell(run, row, 'extendVolume', error)
  },
}

export const volumeDeletion: Workflow = {
  action: 'volume.delete',
  steps: [
    {
      name: 'remove',
      title: 'Removing its data',
      async run(run) {
        const row = await current(run)
        if (!row || (await isOnFencedHost(run, row.pool))) return
        const { drivers, key } = await placeOf(run, row)
        await whileAnswering(run.op, drivers, (op) => drivers.volumes.removeVolume(op, key))
      },
    },
    {
      name: 'forget',
      title: 'Giving its quota back',
      async run(run) {
        await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
          await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
          const row = await tx.db.volume.findUnique({ where: { id: run.resourceId }, include: withParts })
          if (!row) return
          await tx.db.volume.delete({ where: { id: row.id } })
          await forgetKey(tx, row.keyId)
          await endRestoring(tx, row.backupId)
          await releaseQuota(
            tx,
            row.projectId,
            ofType(row.typeId, { volumes: 1, volumeGib: row.reservedGib }),
          )
          await giveBack(tx, row.pool, row.reservedGib)
          if (row.wantedTypeId !== null && row.movingToId !== null) await dropCount(tx, row, row.wantedTypeId)
          if (row.movingToId !== null) await giveBackAt(tx, row.movingToId, row.reservedGib)
          await noteVolume(tx, row, 'deleted', run.operationId)
        })
      },
    },
  ],
  onFailed: (run, error) =>
    settle(run, 'deleting', {
      ...{ state: 'error_deleting', faultMessage: error.message, isWhole: false },
      // Everybody sees the volume again that could not be removed, and can delete it again.
      trashedUntil: null,
    }),
}
