import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { whileAnswering } from '../../kernel/hosts.ts'
import type { Run, Wait, Workflow } from '../../kernel/workflow.ts'
import { waitingForCopiesMs } from '../copying.ts'
import { driversFor } from '../driver.ts'
import { tellSnapshotFailures } from '../messages/service.ts'
import { noteSnapshot } from '../snapshots/row.ts'
import { type GroupSnapshotRow, noteGroup, withSnapshots, withVolumes } from './row.ts'

const rootCtx = (run: Run<unknown>): Ctx => ({ ...run.ctx, db: run.ctx.deps.root })

const volumesWait: Wait = { waitMs: 2_000, for: 'the volumes of the group to be made' }

/** A group that is made of another one waits for its volumes, which have operations of their own. */
export const groupCreation: Workflow = {
  action: 'volumeGroup.create',
  lane: 'long',
  deadlineMs: waitingForCopiesMs,
  steps: [
    {
      name: 'wait',
      title: 'Making its volumes',
      async run(run) {
        const where = { groupId: run.resourceId }
        const volumes = await run.ctx.deps.root.volume.findMany({
          where,
          select: { state: true, name: true },
        })
        if (volumes.some(({ state }) => state === 'creating')) return volumesWait
        const failed = volumes.filter(({ state }) => state === 'error')
        if (failed.length > 0)
          throw new CloudError('conflict', `${failed.length} of its volumes could not be made.`)
        await settleGroup(run, null)
      },
    },
  ],
  onFailed: (run, error) => settleGroup(run, error.message),
}

async function settleGroup(run: Run<unknown>, faultMessage: string | null): Promise<void> {
  await inTransaction(rootCtx(run), async (tx) => {
    const { count } = await tx.db.volumeGroup.updateMany({
      where: { id: run.resourceId, state: 'creating' },
      data: { state: faultMessage === null ? 'available' : 'error', faultMessage },
    })
    if (count === 0) return
    const where = { id: run.resourceId }
    const row = await tx.db.volumeGroup.findUniqueOrThrow({ where, include: withVolumes })
    await noteGroup(tx, 'volumeGroup', row, 'updated', run.operationId)
  })
}

const current = (run: Run<unknown>): Promise<GroupSnapshotRow | null> =>
  run.ctx.deps.root.volumeGroupSnapshot.findUnique({
    where: { id: run.resourceId },
    include: withSnapshots,
  })

type Kept = ReadonlyMap<string, { quiesced: boolean; guest: string | null }>

export const groupSnapshotCreation: Workflow = {
  action: 'volumeGroupSnapshot.create',
  steps: [
    {
      name: 'keep',
      title: 'Keeping what its volumes contain',
      async run(run) {
        const row = await current(run)
        if (!row) throw new CloudError('conflict', 'The group snapshot is gone.')
        const kept = new Map<string, { quiesced: boolean; guest: string | null }>()
        for (const { drivers, pool, snapshots } of await callsFor(run, row)) {
          const made = await whileAnswering(run.op, drivers, (op) =>
            drivers.volumes.ensureSnapshots(op, { pool, snapshots }),
          )
          for (const { id, quiesced, guest } of made) kept.set(id, { quiesced, guest })
        }
        await settleSnapshot(run, { kept })
      },
    },
  ],
  onFailed: (run, error) => settleSnapshot(run, { faultMessage: error.message }),
}

type Driven = Awaited<ReturnType<typeof driversFor>>
type Calls = Driven & { snapshots: { id: string; volumeId: string }[] }

/**
 * One call for all volumes of a pool on whose host they are in use, so that those of one guest are kept at one instant. A
 * pool that several hosts reach needs a call for each of them.
 */
async function callsFor(run: Run<unknown>, row: GroupSnapshotRow): Promise<Calls[]> {
  const calls = new Map<string, Calls>()
  for (const { id, volumeId, pool } of row.snapshots) {
    const driven = await driversFor(run, pool, volumeId)
    const key = `${pool.id} ${driven.hostId}`
    const call = calls.get(key) ?? { ...driven, snapshots: [] }
    call.snapshots.push({ id, volumeId })
    calls.set(key, call)
  }
  return [...calls.values()]
}

/** Writes the end of a group snapshot and of its parts, which change together. */
async function settleSnapshot(
  run: Run<unknown>,
  { kept, faultMessage = null }: { kept?: Kept; faultMessage?: string | null },
): Promise<void> {
  await inTransaction(rootCtx(run), async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "VolumeGroupSnapshot" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    const row = await tx.db.volumeGroupSnapshot.findFirst({
      where: { id: run.resourceId, state: 'creating' },
      include: withSnapshots,
    })
    if (!row) return
    const state = kept ? 'available' : 'error'
    for (const one of row.snapshots) {
      const quiesced = kept?.get(one.id)?.quiesced ?? null
      await tx.db.volumeSnapshot.update({ where: { id: one.id }, data: { state, quiesced, faultMessage } })
      await noteSnapshot(tx, one, 'updated', run.operationId)
    }
    if (faultMessage !== null) await tellSnapshotFailures(tx, row.snapshots, faultMessage)
    const guests = new Set([...(kept?.values() ?? [])].flatMap(({ guest }) => guest ?? []))
    const isOneInstant = kept ? guests.size <= 1 : null
    await tx.db.volumeGroupSnapshot.update({
      where: { id: row.id },
      data: { state, faultMessage, isOneInstant },
    })
    await noteGroup(tx, 'volumeGroupSnapshot', row, 'updated', run.operationId)
  })
}

const partsWait: Wait = { waitMs: 2_000, for: 'the snapshots of its volumes to be removed' }

/** The snapshots of the volumes have operations of their own, which this one follows. */
export const groupSnapshotDeletion: Workflow = {
  action: 'volumeGroupSnapshot.delete',
  deadlineMs: 90 * 60_000,
  steps: [
    {
      name: 'wait',
      title: 'Removing the snapshots of its volumes',
      async run(run) {
        const where = { groupSnapshotId: run.resourceId }
        const parts = await run.ctx.deps.root.volumeSnapshot.findMany({ where })
        const failed = parts.find(({ state }) => state === 'error_deleting')
        if (failed)
          throw new CloudError('conflict', failed.faultMessage ?? 'A snapshot could not be removed.')
        if (parts.length > 0) return partsWait
      },
    },
    {
      name: 'forget',
      title: 'Forgetting the group snapshot',
      async run(run) {
        await inTransaction(rootCtx(run), async (tx) => {
          const where = { id: run.resourceId }
          const row = await tx.db.volumeGroupSnapshot.findUnique({ where })
          if (!row) return
          await tx.db.volumeGroupSnapshot.delete({ where })
          await noteGroup(tx, 'volumeGroupSnapshot', row, 'deleted', run.operationId)
        })
      },
    },
  ],
  async onFailed(run, error) {
    await inTransaction(rootCtx(run), async (tx) => {
      const { count } = await tx.db.volumeGroupSnapshot.updateMany({
        where: { id: run.resourceId, state: 'deleting' },
        data: { state: 'error_deleting', faultMessage: error.message },
      })
      if (count === 0) return
      const row = await tx.db.volumeGroupSnapshot.findUniqueOrThrow({ where: { id: run.resourceId } })
      await noteGroup(tx, 'volumeGroupSnapshot', row, 'updated', run.operationId)
    })
  },
}
