import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { busyAmong } from '../../kernel/busy.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, invalidInput } from '../../kernel/errors.ts'
import { type Ask, askOf, pageView } from '../../kernel/page.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { reserveQuota } from '../../quota/service.ts'
import { volumeCan } from '../contract.ts'
import type { VolumeRow } from '../queries.ts'
import { demand, loadVolume, lockVolume, noteVolume } from '../row.ts'
import type { SnapshotRow } from '../snapshots/queries.ts'
import { noteSnapshot } from '../snapshots/row.ts'
import { sourceSnapshot } from '../snapshots/service.ts'
import type {
  BackupPlan,
  BackupView,
  backupCreateInput,
  backupListInput,
  backupPlanInput,
  backupUpdateInput,
} from './contract.ts'
import { type BackupRow, type BackupWhere, countBackups, queryBackups, sortableBackups } from './queries.ts'
import { storeFor } from './reach.ts'
import { backupHistory, backupView, backupViews, loadBackup, lockBackup, noteBackup } from './row.ts'

export async function listBackups(
  ctx: Ctx,
  input: z.output<typeof backupListInput>,
): Promise<Page<BackupView>> {
  const { allProjects, search, state, volumeId, bootable } = input
  const where = { allProjects, search, volumeId, bootable, states: state && [state] }
  const slice = await queryBackups(ctx, { where, ...askOf(input, sortableBackups) })
  return pageView(slice, await backupViews(ctx, slice.rows))
}

/** For OpenStack's clients. */
export async function findBackups(
  ctx: Ctx,
  ask: Ask<BackupWhere>,
  isCounted = false,
): Promise<{ backups: BackupView[]; more: boolean; count: number | null }> {
  const [{ rows, next }, count] = await Promise.all([
    queryBackups(ctx, ask),
    isCounted ? countBackups(ctx, ask.where) : null,
  ])
  return { backups: await backupViews(ctx, rows), more: next !== null, count }
}

export const getBackup = async (ctx: Ctx, input: { id: string }): Promise<BackupView> =>
  backupView(ctx, await loadBackup(ctx, 'volumeBackup:get', input.id))

/**
 * Backs up what a volume contains now, also while an instance uses the volume, or what one of its snapshots contains.
 * Throws not_found for what the caller may not see, conflict for a volume or a snapshot in another state, and
 * invalid_input for an incremental backup without an earlier backup. `scheduleId`: the schedule that asks for it.
 */
export async function createBackup(
  ctx: Ctx,
  input: z.output<typeof backupCreateInput>,
  scheduleId?: string,
): Promise<BackupView> {
  return inTransaction(ctx, async (tx) => {
    const volume = await lockVolume(tx, 'volumeBackup:create', input.volumeId)
    demand(volumeCan.backUp, volume)
    const snapshot = input.snapshotId === undefined ? null : await snapshotOf(tx, volume, input.snapshotId)
    if (input.zone !== undefined && input.zone !== volume.zone)
      throw invalidInput(`The volume is in the zone ${volume.zone}, and its backups are, too.`, 'zone')
    const place = await storeFor(tx, volume)
    const parentId = input.incremental ? (await newestOf(tx, volume, place)).id : null
    const { projectId, zone, typeId, keyId } = volume
    // A host that has not answered may have made the volume larger than the row says.
    const sizeGib = snapshot?.sizeGib ?? volume.reservedGib
    await reserveQuota(tx, projectId, { volumeBackups: 1, volumeBackupGib: sizeGib })
    const { name, description, metadata, container } = input
    const { bootable, imageId, imageName } = snapshot ?? volume
    const made = await tx.db.volumeBackup.create({
      data: {
        ...{
          id: crypto.randomUUID(),
          userId: ctx.actor.userId,
          projectId,
          sizeGib,
          zone,
          typeId,
          keyId,
          ...place,
        },
        ...{ volumeId: volume.id, volumeName: volume.name, snapshotId: snapshot?.id, parentId, scheduleId },
        ...{ name, description, metadata, container, bootable, imageId, imageName, holdsSource: true },
        ...(snapshot ? { dataTimestamp: snapshot.createdAt } : {}),
      },
    })
    await holdSource(tx, volume, snapshot)
    await startOperation(tx, {
      ...backupHistory(made, 'volumeBackup.create'),
      hostId: place.hostId,
      input: { volumeName: volume.name || volume.id },
    })
    await noteBackup(tx, made, 'created')
    return backupView(tx, made)
  })
}

async function snapshotOf(tx: Ctx, volume: VolumeRow, id: string): Promise<SnapshotRow> {
  const snapshot = await sourceSnapshot(tx, id)
  if (snapshot.volumeId !== volume.id)
    throw invalidInput('The snapshot is one of another volume.', 'snapshotId')
  return snapshot
}

/** What is read for the backup is in the state backing-up until the backup is made (freeSource in settling.ts). */
async function holdSource(tx: Ctx, volume: VolumeRow, snapshot: SnapshotRow | null): Promise<void> {
  const data = { state: 'backing-up' }
  if (snapshot) {
    await tx.db.volumeSnapshot.update({ where: { id: snapshot.id }, data })
    await noteSnapshot(tx, snapshot, 'updated')
  } else {
    await tx.db.volume.update({ where: { id: volume.id }, data })
    await noteVolume(tx, volume, 'updated')
  }
}

/** The newest available backup of a volume in its project and in that store, locked until the transaction ends. */
async function newestOf(
  tx: Ctx,
  { id, projectId }: { id: string; projectId: string },
  place: Place,
): Promise<{ id: string }> {
  const [row] = await tx.db.$queryRaw<{ id: string }[]>`
    SELECT "id"::text FROM "VolumeBackup" WHERE "volumeId" = ${id}::uuid AND "projectId" = ${projectId}
      AND "store" = ${place.store} AND ${thereSql(place)} AND "state" IN ('available', 'restoring')
      AND "checksum" IS NOT NULL AND "trashedUntil" IS NULL
    ORDER BY "dataTimestamp" DESC, "createdAt" DESC LIMIT 1 FOR UPDATE`
  if (!row)
    throw invalidInput(
      'No backups available to do an incremental backup. Make a full one first.',
      'incremental',
      'noBackup',
    )
  return row
}

type Place = Awaited<ReturnType<typeof storeFor>>
/** A backup lies in the store of that place: the hosts tell the same mark, or the host is the same. */
const thereSql = ({ hostId, storeMark }: Place): Prisma.Sql =>
  Prisma.sql`("storeMark" = ${storeMark} OR ("hostId" = ${hostId}::uuid AND "storeMark" IS NOT DISTINCT FROM ${storeMark}))`
const thereIn = ({ hostId, store, storeMark }: Place) => ({
  store,
  ...(storeMark === null ? { hostId, storeMark } : { storeMark }),
})

/** Says before a volume is backed up whether only what has changed need be stored. */
export async function planBackup(ctx: Ctx, input: z.output<typeof backupPlanInput>): Promise<BackupPlan> {
  const volume = await loadVolume(ctx, 'volumeBackup:create', input.volumeId)
  return { incremental: await hasBackup(ctx, volume) }
}

/** Tells whether the volume has a backup on which an incremental one can build. */
export async function hasBackup(ctx: Ctx, volume: VolumeRow): Promise<boolean> {
  const count = await ctx.db.volumeBackup.count({
    where: {
      ...{ volumeId: volume.id, projectId: volume.projectId, trashedUntil: null },
      ...{ state: { in: ['available', 'restoring'] }, checksum: { not: null } },
      ...thereIn(await storeFor(ctx, volume)),
    },
    take: 1,
  })
  return count > 0
}

export async function updateBackup(ctx: Ctx, input: z.output<typeof backupUpdateInput>): Promise<BackupView> {
  const { id, ...data } = input
  return change(ctx, { id, policy: 'volumeBackup:update', action: 'volumeBackup.update' }, async () => data)
}

/**
 * Sets the state of a backup that is stuck, for administrators. Throws conflict while something is being done to the
 * backup, and for the state available when the backup was never made.
 */
export const resetBackup = (
  ctx: Ctx,
  input: { id: string; to: 'available' | 'error' },
): Promise<BackupView> =>
  change(
    ctx,
    { id: input.id, policy: 'volumeBackup:reset_state', action: 'volumeBackup.reset_state' },
    async (row, tx) => {
      await refuseUsed(tx, row)
      if ((await busyBackups(tx, [row.id])).has(row.id))
        throw conflict('Something is being done to this backup. Wait until that is over.', 'backupState')
      if (input.to === 'available' && row.checksum === null)
        throw conflict('This backup was never made, so that nothing is there to restore.', 'backupState')
      const faultMessage = input.to === 'error' ? 'An administrator has set this state.' : null
      return { state: input.to, faultMessage }
    },
  )

/** Which of these backups have an operation under way. */
export const busyBackups = busyAmong('volumeBackup')

type Patch = {
  name?: string
  description?: string
  metadata?: Record<string, string>
  state?: string
  faultMessage?: string | null
}
/** Changes the row under its lock, with history and event. */
async function change(
  ctx: Ctx,
  { id, policy, action }: { id: string; policy: string; action: string },
  patch: (row: BackupRow, tx: Ctx) => Promise<Patch>,
): Promise<BackupView> {
  return inTransaction(ctx, async (tx) => {
    const data = await patch(await lockBackup(tx, policy, id), tx)
    const after = await tx.db.volumeBackup.update({ where: { id }, data })
    await recordOperation(tx, backupHistory(after, action))
    await noteBackup(tx, after, 'updated')
    return backupView(tx, after)
  })
}

/** Throws conflict while a volume gets the content of the backup, or another backup is made that builds on it. */
export async function refuseUsed(tx: Ctx, { id }: BackupRow): Promise<void> {
  const volumes = await tx.db.volume.count({ where: gettingContentOf(id) })
  if (volumes > 0)
    throw conflict('A volume is getting the content of this backup. Wait until that is over.', 'backupState')
  const children = await tx.db.volumeBackup.count({ where: { parentId: id, state: 'creating' } })
  if (children > 0)
    throw conflict(
      'An incremental backup is being made that builds on this one. Wait until that is over.',
      'backupState',
    )
}

/** The volumes that are getting the content of a backup. */
export const gettingContentOf = (backupId: string) => ({
  backupId,
  state: { in: ['creating', 'restoring-backup'] },
})
