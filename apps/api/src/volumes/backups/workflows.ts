import type { ObservedBackup } from '@stratolith/drivers/backups/interface'
import type { Op } from '@stratolith/drivers/op'
import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import { hostState } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { driverCode, whileAnswering } from '../../kernel/hosts.ts'
import type { Run, Wait, Workflow } from '../../kernel/workflow.ts'
import { releaseQuota } from '../../quota/service.ts'
import { copyingMs } from '../copying.ts'
import { forgetKey } from '../encryption/keys.ts'
import { type MessageAction, tellFailure } from '../messages/service.ts'
import { specOf } from '../pools.ts'
import { asked } from './asking.ts'
import type { BackupRow } from './queries.ts'
import { driversOfStore, hostOfStore } from './reach.ts'
import { recordOf } from './record.ts'
import { isUnproven, noteBackup } from './row.ts'
import { trimSchedule } from './schedules/trim.ts'
import { freeSource, lockWithSource } from './settling.ts'
import { driversAt, keyOf } from './store.ts'

const current = (run: Run<unknown>): Promise<BackupRow | null> =>
  run.ctx.deps.root.volumeBackup.findUnique({ where: { id: run.resourceId } })

const settle = (run: Run<unknown>, work: (tx: Ctx, row: BackupRow) => Promise<void>): Promise<void> =>
  inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
    const row = await lockWithSource(tx, run.resourceId)
    if (row) await work(tx, row)
  })

type Settled = { state: string; faultMessage: string | null; trashedUntil?: null } & Partial<
  Pick<BackupRow, 'checksum' | 'storedBytes' | 'chunks' | 'quiesced'>
>
/**
 * Writes the end of an operation, frees what was read, and removes what its schedule does not keep any more; nothing when
 * the backup is in another state than `from` by then.
 */
const end = (run: Run<unknown>, from: string, data: Settled): Promise<void> =>
  settle(run, async (tx, row) => {
    if (row.state !== from) return
    await freeSource(tx, row, run.operationId)
    await tx.db.volumeBackup.update({ where: { id: row.id }, data: { ...data, holdsSource: false } })
    await noteBackup(tx, row, 'updated', run.operationId)
    if (data.state === 'available' && row.scheduleId !== null) await trimSchedule(tx, row.scheduleId)
  })

async function tell(run: Run<unknown>, action: MessageAction, error: CloudError): Promise<void> {
  const row = await current(run)
  if (!row) return
  const about = { resource: 'VOLUME_BACKUP', resourceId: row.id, projectId: row.projectId, action } as const
  await tellFailure(run, about, error)
}

const asStored = ({ checksum, storedBytes, chunks, quiesced }: ObservedBackup) => ({
  ...{ checksum, chunks, quiesced },
  storedBytes: BigInt(storedBytes),
})

export const backupCreation: Workflow = {
  action: 'volumeBackup.create',
  lane: 'long',
  deadlineMs: copyingMs,
  steps: [
    {
      name: 'store',
      title: 'Storing what the volume contains',
      async run(run): Promise<Wait | undefined> {
        const row = await current(run)
        if (!row || row.state === 'deleting') throw stopped()
        // A worker may have died when the end was written and the step was not recorded yet.
        if (row.state !== 'creating') return undefined
        const hasBegun = run.data.hasBegun === true
        if (!hasBegun) await noteTime(run, row)
        const made = await asked(run, 'the host to store the content', (op) => store(run, op, row))
        if (!hasBegun) await run.keep({ hasBegun: true })
        if ('wait' in made) return made.wait
        await end(run, 'creating', { state: 'available', faultMessage: null, ...asStored(made.answer) })
        return undefined
      },
    },
    { name: 'record', title: 'Writing its record beside it', run: writeRecord },
  ],
  async onFailed(run, error) {
    const row = await current(run)
    // A backup that somebody has stopped is removed by an operation of its own.
    if (row?.state !== 'creating') return
    await end(run, 'creating', { state: 'error', faultMessage: error.message })
    await tell(run, 'makeBackup', error)
  },
}

/**
 * Writes that the content of the volume is of this moment: a backup may have its turn long after somebody asked for it. By the
 * clock of the database, which orders the backups of a volume.
 */
const noteTime = (run: Run<unknown>, { id, snapshotId }: BackupRow) =>
  snapshotId === null
    ? run.ctx.deps.root.$executeRaw`
        UPDATE "VolumeBackup" SET "dataTimestamp" = clock_timestamp() WHERE "id" = ${id}::uuid AND "state" = 'creating'`
    : 0

/** How long a record is tried: a backup without one is whole, and can be known again only by a record that somebody has exported. */
const recordMs = 300_000

async function writeRecord(run: Run<unknown>): Promise<void> {
  const row = await current(run)
  if (row?.state !== 'available' && row?.state !== 'restoring') return
  try {
    const drivers = await driversAt(run, row)
    const record = await recordOf({ ...run.ctx, db: run.ctx.deps.root }, row)
    await whileAnswering(run.op, drivers, (op) => drivers.backups.keepRecord(op, { ...keyOf(row), record }))
  } catch (error) {
    const isInTime = Date.now() - run.stepStartedAt.getTime() < recordMs
    if (driverCode(error) === 'unavailable' && isInTime) throw error
    run.ctx.log.warn({ err: error, backup: row.id }, 'a backup has no record beside it')
  }
}

const stopped = () => new CloudError('conflict', 'The backup was stopped.')

/** Asks the host for the backup. Null: it is still being made. */
async function store(run: Run<unknown>, op: Op, row: BackupRow): Promise<ObservedBackup | null> {
  const { root } = run.ctx.deps
  const source = await root.volume.findUnique({ where: { id: row.volumeId }, include: { pool: true } })
  if (!source) throw new CloudError('conflict', 'The volume is gone.')
  const drivers = await driversAt(run, row)
  const parent = row.parentId === null ? null : await parentOf(run, row.parentId)
  const spec = {
    ...{ ...keyOf(row), snapshotId: row.snapshotId, pool: specOf(source.pool) },
    parent: parent && { id: parent.id, checksum: parent.checksum ?? '' },
  }
  try {
    return await whileAnswering(op, drivers, (watched) => drivers.backups.ensureBackup(watched, spec))
  } catch (error) {
    if (driverCode(error) === 'unsupported') throw noStore(error)
    if (driverCode(error) === 'no_space') throw noRoom(error)
    if (driverCode(error) !== 'not_found' || !parent) throw error
    const known = await whileAnswering(op, drivers, (watched) =>
      drivers.backups.getBackup(watched, keyOf(parent)),
    )
    if (known) throw error
    throw lostParent(error)
  }
}

const noRoom = (cause: unknown) =>
  new CloudError(
    'no_capacity',
    'There is too little free space for the backup, in the store of backups or on the disk of the machine. Delete backups that nobody needs, or ask an administrator.',
    { cause },
  )

/** It is there: a backup is not deleted while another one is made that builds on it. */
async function parentOf(run: Run<unknown>, id: string): Promise<BackupRow> {
  const row = await run.ctx.deps.root.volumeBackup.findUnique({ where: { id } })
  if (row?.checksum == null) throw lostParent()
  return row
}

const lostParent = (cause?: unknown) =>
  new CloudError(
    'conflict',
    'The store does not have the earlier backup any more on which this one was to build. Make a full backup.',
    { cause },
  )
const noStore = (cause: unknown) =>
  new CloudError(
    'unsupported',
    'The machine of this volume reaches no store of backups. Ask an administrator to set one up.',
    { cause },
  )

/**
 * Where the volume is, when there may be something of the backup: what is left of the work, if it was not made to its end, and in
 * Ceph the snapshot with which the next backup would be compared.
 */
async function poolToTidy(run: Run<unknown>, { checksum, volumeId }: BackupRow): Promise<PoolSpec | null> {
  const where = { id: volumeId }
  const volume = await run.ctx.deps.root.volume.findUnique({ where, include: { pool: true } })
  return volume && (checksum === null || volume.pool.driver === 'rbd') ? specOf(volume.pool) : null
}

export const backupDeletion: Workflow = {
  action: 'volumeBackup.delete',
  lane: 'long',
  steps: [
    {
      name: 'remove',
      title: 'Removing its data',
      async run(run) {
        const row = await current(run)
        if (!row || isUnproven(row)) return
        // Nothing removes it later: no list tells which backups a store has that nobody knows.
        // What is left of a backup that was not made lies on the host that was making it, too.
        const hostId = row.checksum === null ? row.hostId : await hostOfStore({ db: run.ctx.deps.root }, row)
        if ((await hostState({ db: run.ctx.deps.root }, hostId)) === 'fenced')
          throw new CloudError(
            'conflict',
            'The machine that has the store is declared to be off. Delete the backup when it is back.',
          )
        const drivers = await driversAt(run, { hostId })
        const pool = await poolToTidy(run, row)
        await asked(run, 'the store', async (op) => {
          await whileAnswering(op, drivers, (watched) =>
            drivers.backups.removeBackup(watched, { ...keyOf(row), pool }),
          )
          return true
        })
      },
    },
    {
      name: 'forget',
      title: 'Giving its quota back',
      run: (run) =>
        settle(run, async (tx, row) => {
          await freeSource(tx, row, run.operationId)
          await tx.db.volumeBackup.delete({ where: { id: row.id } })
          await forgetKey(tx, row.keyId)
          await releaseQuota(tx, row.projectId, { volumeBackups: 1, volumeBackupGib: row.sizeGib })
          await noteBackup(tx, row, 'deleted', run.operationId)
        }),
    },
  ],
  async onFailed(run, error) {
    // Everybody sees the backup again that could not be removed, and can delete it again.
    const data = { state: 'error_deleting', faultMessage: error.message, trashedUntil: null }
    await end(run, 'deleting', data)
    await tell(run, 'deleteBackup', error)
  },
}

/** A backup whose record was imported: its store must have it, as the record says. */
export const backupImport: Workflow = {
  action: 'volumeBackup.import',
  steps: [
    {
      name: 'verify',
      title: 'Looking for it in the store',
      async run(run) {
        const row = await current(run)
        if (row?.state !== 'creating') return
        const drivers = await driversOfStore(run, row)
        const found = await asked(run, 'the store', (op) =>
          whileAnswering(op, drivers, (watched) => drivers.backups.getBackup(watched, keyOf(row))),
        )
        const known = 'answer' in found ? found.answer : null
        if (!known)
          throw new CloudError(
            'conflict',
            'The store does not have this backup. Import its record again when it does.',
          )
        if (known.checksum !== row.checksum)
          throw new CloudError('conflict', 'The store has another backup of this id than the record says.')
        await end(run, 'creating', { state: 'available', faultMessage: null, ...asStored(known) })
      },
    },
  ],
  onFailed: (run, error) => end(run, 'creating', { state: 'error', faultMessage: error.message }),
}
