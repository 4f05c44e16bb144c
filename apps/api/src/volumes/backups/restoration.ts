import { isFollowedBy } from '../../kernel/busy.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { driverCode, whileAnswering } from '../../kernel/hosts.ts'
import { continueOperationsOf, type Run, soonAgain, type Wait, type Workflow } from '../../kernel/workflow.ts'
import { copyingMs } from '../copying.ts'
import { driversFor } from '../driver.ts'
import { encryptionFor } from '../encryption/keys.ts'
import { tellFailure } from '../messages/service.ts'
import { reaches, specOf } from '../pools.ts'
import { type VolumeRow, withParts } from '../queries.ts'
import { noteVolume } from '../row.ts'
import { asked } from './asking.ts'
import type { BackupRow } from './queries.ts'
import { hostsOfStore } from './reach.ts'
import { endRestoring } from './settling.ts'
import { driversAt, keyOf } from './store.ts'

/** Gives a volume what its backup contains. Returns a Wait while the host is still restoring. */
async function restoreContent(run: Run<unknown>, volume: VolumeRow): Promise<Wait | undefined> {
  const backup =
    volume.backupId === null
      ? null
      : await run.ctx.deps.root.volumeBackup.findUnique({ where: { id: volume.backupId } })
  if (backup?.checksum == null) throw new CloudError('conflict', 'The backup is gone.')
  const drivers = await driversAt(run, { hostId: await restorerOf(run, backup, volume) })
  const spec = {
    backup: { ...keyOf(backup), checksum: backup.checksum },
    volume: { id: volume.id, pool: specOf(volume.pool) },
  }
  const restored = await asked(run, 'the host to restore the content', (op) =>
    whileAnswering(op, drivers, (watched) => drivers.backups.restoreBackup(watched, spec)).catch(
      async (error: unknown) => {
        if (driverCode(error) !== 'not_found') throw error
        const known = await whileAnswering(op, drivers, (watched) =>
          drivers.backups.getBackup(watched, keyOf(backup)),
        )
        if (known) throw error
        throw new CloudError('conflict', 'The store does not have this backup any more.', { cause: error })
      },
    ),
  )
  return 'wait' in restored ? restored.wait : undefined
}

/** The host that restores: one that reaches the store and the pool, and the same one as long as it is up. */
async function restorerOf(run: Run<unknown>, backup: BackupRow, { pool }: VolumeRow): Promise<string> {
  const right = (await hostsOfStore(run.ctx, backup)).filter((host) => reaches(pool, host))
  const up = right.filter(({ state }) => state === 'up')
  const same = up.find(({ id }) => id === run.data.hostId)
  const { id: hostId } = same ?? up[0] ?? right[0] ?? { id: backup.hostId }
  if (hostId !== run.data.hostId) await run.keep({ hostId })
  return hostId
}

type Restoration = { backupId: string; isNew: boolean }
const action = 'volume.restore'

/**
 * The states of a volume that gets the content of a backup, with those after a failure. A new volume is in the state
 * creating where Cinder has it so; then nothing of it was worth keeping. One that exists keeps its old content.
 */
const failed: Readonly<Record<string, string>> = { creating: 'error', 'restoring-backup': 'error_restoring' }

/** Tells whether a later operation restores to the same volume: then its state is not this operation's any more. */
const isOver = (ctx: Ctx, run: Run<Restoration>): Promise<boolean> =>
  isFollowedBy(ctx, run.operationId, action, {})

const current = (run: Run<unknown>): Promise<VolumeRow | null> =>
  run.ctx.deps.root.volume.findUnique({ where: { id: run.resourceId }, include: withParts })

/** The volume while this operation restores to it; null when the end is written already. Throws conflict when it is being deleted. */
async function restoringRow(run: Run<Restoration>): Promise<VolumeRow | null> {
  const row = await current(run)
  if (!row || row.state === 'deleting') throw new CloudError('conflict', 'The volume is gone.')
  return failed[row.state] === undefined || (await isOver(run.ctx, run)) ? null : row
}

/** Writes the end, unless it is written. A launch that waits for the volume goes on. */
async function settle(run: Run<Restoration>, faultMessage: string | null): Promise<void> {
  await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    if (await isOver(tx, run)) return
    const { backupId } = run.input
    const where = { id: run.resourceId }
    const row = await tx.db.volume.findUnique({ where, include: { attachments: true } })
    const state = row ? failed[row.state] : undefined
    if (row && state !== undefined) {
      const restored = { state: row.attachments.length > 0 ? 'attaching' : 'available' }
      const data =
        faultMessage === null
          ? { ...restored, ...(await bootOf(tx, backupId)) }
          : { state, isWhole: !run.input.isNew }
      await tx.db.volume.update({ where, data: { ...data, faultMessage } })
      await noteVolume(tx, row, 'updated', run.operationId)
      for (const { instanceId } of row.attachments) await continueOperationsOf(tx, 'instance', instanceId)
    }
    await endRestoring(tx, backupId)
  })
}

/** Guests boot from what was restored, and not from what the volume had. */
async function bootOf(tx: Ctx, backupId: string) {
  const select = { bootable: true, imageId: true, imageName: true }
  return tx.db.volumeBackup.findUnique({ where: { id: backupId }, select })
}

/** Restores a backup to a volume that exists, or that is made first. */
export const volumeRestoration: Workflow<Restoration> = {
  action,
  lane: 'long',
  deadlineMs: copyingMs,
  steps: [
    {
      name: 'make',
      title: 'Making the volume',
      async run(run): Promise<Wait | undefined> {
        const row = run.input.isNew ? await restoringRow(run) : null
        if (!row) return undefined
        const { drivers, pool } = await driversFor(run, row.pool)
        const encryption = await encryptionFor({ ...run.ctx, db: run.ctx.deps.root }, row.keyId)
        const spec = { id: row.id, pool, sizeGib: row.sizeGib, source: null, ...encryption }
        const made = await whileAnswering(run.op, drivers, (op) => drivers.volumes.ensureVolume(op, spec))
        return made ? undefined : soonAgain(run, 'the host to encrypt the volume')
      },
    },
    {
      name: 'restore',
      title: 'Restoring the backup',
      async run(run): Promise<Wait | undefined> {
        // By now somebody may have written to the volume, so that nothing is restored again after the end.
        const row = await restoringRow(run)
        if (row) {
          const wait = await restoreContent(run, row)
          if (wait) return wait
        }
        await settle(run, null)
        return undefined
      },
    },
  ],
  async onFailed(run, error) {
    const row = await current(run)
    await settle(run, error.message)
    if (!row) return
    const about = { resource: 'VOLUME_BACKUP', resourceId: run.input.backupId } as const
    await tellFailure(run, { ...about, projectId: row.projectId, action: 'restoreBackup' }, error)
  },
}
