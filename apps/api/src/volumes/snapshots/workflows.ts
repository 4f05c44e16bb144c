import { isFollowedBy } from '../../kernel/busy.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { whileAnswering } from '../../kernel/hosts.ts'
import { continueOperationsOf, type Run, soonAgain, type Wait, type Workflow } from '../../kernel/workflow.ts'
import { releaseQuota } from '../../quota/service.ts'
import { copyingMs } from '../copying.ts'
import { driversFor, isOnFencedHost } from '../driver.ts'
import { type MessageAction, tellFailure } from '../messages/service.ts'
import { giveBack } from '../pools.ts'
import { ofType } from '../quota.ts'
import { noteVolume } from '../row.ts'
import { bringBack } from '../trash/bring-back.ts'
import { type SnapshotRow, withVolume } from './queries.ts'
import { lockVolumeOf, noteSnapshot } from './row.ts'

const current = (run: Run<unknown>): Promise<SnapshotRow | null> =>
  run.ctx.deps.root.volumeSnapshot.findUnique({ where: { id: run.resourceId }, include: withVolume })

/** The row of a snapshot on which this operation works. */
async function rowOf(run: Run<unknown>): Promise<SnapshotRow> {
  const row = await current(run)
  if (!row) throw new CloudError('conflict', 'The snapshot is gone.')
  return row
}

type Settled = { state: string; quiesced?: boolean; faultMessage?: string | null; trashedUntil?: null }
/** Writes the end of an operation, unless the snapshot is in another state than `from` by then. */
async function settle(run: Run<unknown>, from: string, data: Settled): Promise<void> {
  await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, (tx) => settleIn(tx, run, from, data))
}

/** Does the same in a transaction. Returns the volume of the snapshot; null when there was nothing to write. */
async function settleIn(
  tx: Ctx,
  run: Run<unknown>,
  from: string,
  data: Settled,
  id = run.resourceId,
): Promise<string | null> {
  const { count } = await tx.db.volumeSnapshot.updateMany({ where: { id, state: from }, data })
  if (count === 0) return null
  const row = await tx.db.volumeSnapshot.findUniqueOrThrow({ where: { id } })
  await noteSnapshot(tx, row, 'updated', run.operationId)
  return row.volumeId
}

async function tell(run: Run<unknown>, action: MessageAction, error: CloudError): Promise<void> {
  const row = await current(run)
  if (!row) return
  const about = { resource: 'VOLUME_SNAPSHOT', resourceId: row.id, projectId: row.projectId, action } as const
  await tellFailure(run, about, error)
}

export const snapshotCreation: Workflow = {
  action: 'volumeSnapshot.create',
  steps: [
    {
      name: 'keep',
      title: 'Keeping what the volume contains',
      async run(run) {
        const row = await rowOf(run)
        const { drivers, pool } = await driversFor(run, row.pool, row.volumeId)
        const spec = { id: row.id, volumeId: row.volumeId, pool }
        const { quiesced } = await whileAnswering(run.op, drivers, (op) =>
          drivers.volumes.ensureSnapshot(op, spec),
        )
        await settle(run, 'creating', { state: 'available', quiesced, faultMessage: null })
      },
    },
  ],
  async onFailed(run, error) {
    await settle(run, 'creating', { state: 'error', faultMessage: error.message })
    await tell(run, 'makeSnapshot', error)
  },
}

export const snapshotDeletion: Workflow = {
  action: 'volumeSnapshot.delete',
  steps: [
    {
      name: 'remove',
      title: 'Removing its data',
      async run(run) {
        const row = await current(run)
        if (!row || (await isOnFencedHost(run, row.pool))) return
        const { drivers, pool } = await driversFor(run, row.pool, row.volumeId)
        await whileAnswering(run.op, drivers, (op) =>
          drivers.volumes.removeSnapshot(op, { id: row.id, pool }),
        )
      },
    },
    {
      name: 'forget',
      title: 'Giving its quota back',
      async run(run) {
        await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
          await tx.db
            .$queryRaw`SELECT 1 FROM "VolumeSnapshot" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
          const where = { id: run.resourceId }
          const row = await tx.db.volumeSnapshot.findUnique({ where, include: withVolume })
          if (!row) return
          await tx.db.volumeSnapshot.delete({ where })
          const delta = ofType(row.volume.typeId, { volumeSnapshots: 1, volumeGib: row.sizeGib })
          await releaseQuota(tx, row.projectId, delta)
          await giveBack(tx, row.pool, row.sizeGib)
          await noteSnapshot(tx, row, 'deleted', run.operationId)
          if (row.groupSnapshotId !== null)
            await continueOperationsOf(tx, 'volumeGroupSnapshot', row.groupSnapshotId)
        })
      },
    },
  ],
  async onFailed(run, error) {
    // Everybody sees the snapshot again that could not be removed, and can delete it again. Its volume is not removed before.
    const data = { state: 'error_deleting', faultMessage: error.message, trashedUntil: null }
    await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
      await lockVolumeOf(tx, run.resourceId)
      const volumeId = await settleIn(tx, run, 'deleting', data)
      if (volumeId !== null)
        await bringBack(
          tx,
          volumeId,
          `A snapshot of the volume could not be removed: ${error.message}`,
          run.operationId,
        )
    })
    const { groupSnapshotId = null } = (await current(run)) ?? {}
    if (groupSnapshotId !== null) await continueOperationsOf(run.ctx, 'volumeGroupSnapshot', groupSnapshotId)
    await tell(run, 'deleteSnapshot', error)
  },
}

type Reversion = Run<{ snapshotId: string }>
const reversionAction = 'volume.revert'

/**
 * Tells whether a later operation has reverted the volume or is to. Such an operation begins only when this one has
 * written its end, so that the state of the volume is not this operation's any more.
 */
const isOver = (ctx: Ctx, run: Reversion): Promise<boolean> =>
  isFollowedBy(ctx, run.operationId, reversionAction, {})

/** Writes the end of a return to a snapshot, for the volume and for the snapshot, whose rows change together. */
async function endReversion(
  run: Reversion,
  data: { state: string; faultMessage: string | null; isWhole?: boolean },
): Promise<void> {
  await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    if (await isOver(tx, run)) return
    const where = { id: run.resourceId, state: 'reverting' }
    const { count } = await tx.db.volume.updateMany({ where, data })
    if (count > 0) {
      const row = await tx.db.volume.findUniqueOrThrow({ where: { id: run.resourceId } })
      await noteVolume(tx, row, 'updated', run.operationId)
    }
    await settleIn(tx, run, 'restoring', { state: 'available' }, run.input.snapshotId)
  })
}

const partly =
  'A part of the volume may have the content of the snapshot by now: go back to a snapshot before you use it.'

export const volumeReversion: Workflow<{ snapshotId: string }> = {
  action: reversionAction,
  // Ceph writes each object of the image.
  lane: 'long',
  deadlineMs: copyingMs,
  steps: [
    {
      name: 'revert',
      title: 'Going back to the snapshot',
      async run(run): Promise<Wait | undefined> {
        const where = { id: run.resourceId }
        const row = await run.ctx.deps.root.volume.findUnique({ where, include: { pool: true } })
        if (!row) throw new CloudError('conflict', 'The volume is gone.')
        // A worker may have died when the end was written and the step was not recorded yet. By now somebody may have
        // written to the volume, and asked for another return, which would be the reason of the state.
        if (row.state === 'reverting' && !(await isOver(run.ctx, run))) {
          const { drivers, pool } = await driversFor(run, row.pool, row.id)
          const { snapshotId } = run.input
          const reverted = await whileAnswering(run.op, drivers, (op) =>
            drivers.volumes.revertVolume(op, { id: row.id, pool, snapshotId }),
          )
          if (!reverted) return soonAgain(run, 'the host to copy the data')
        }
        await endReversion(run, { state: 'available', faultMessage: null })
        return undefined
      },
    },
  ],
  async onFailed(run, error) {
    const where = { id: run.resourceId }
    const row = await run.ctx.deps.root.volume.findUnique({ where, include: { pool: true } })
    // Ceph writes the snapshot's content over that of the volume, and may have been cut off in between.
    const isWhole = row?.pool.driver !== 'rbd'
    const faultMessage = isWhole ? error.message : `${error.message} ${partly}`
    await endReversion(run, { state: 'error', faultMessage, isWhole })
  },
}
