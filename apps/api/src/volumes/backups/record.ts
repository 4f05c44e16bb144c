import { z } from 'zod'
import { seal, unseal } from '../../identity/service.ts'
import { type Ctx, inTransaction, projectOf } from '../../kernel/context.ts'
import { conflict, invalidInput } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import { forgetKey, keepKey } from '../encryption/keys.ts'
import { type BackupView, backupCan, type backupImportInput } from './contract.ts'
import type { BackupRow } from './queries.ts'
import { hostsOfStore } from './reach.ts'
import { backupHistory, backupView, demandBackup, isUnproven, loadBackup, noteBackup } from './row.ts'
import { busyBackups } from './service.ts'

/**
 * The record of a backup says where its data lie, so that the backup can be known again when its row is lost. Records are
 * sealed by a key of the cloud: nobody learns from one where stores are, and nobody can write one that leads to the
 * content of others.
 */
const about = 'volume backup record'

const record = z.object({
  ...{ id: z.uuid(), volumeId: z.uuid(), snapshotId: z.uuid().nullable(), parentId: z.uuid().nullable() },
  ...{ name: z.string(), description: z.string(), volumeName: z.string(), sizeGib: z.int().min(1) },
  ...{ hostId: z.uuid(), store: z.string().min(1), zone: z.string(), checksum: z.string() },
  storeMark: z.string().nullable().default(null),
  /** The project that has made the backup; null in records of earlier versions. An exported record is imported to any project. */
  projectId: z.string().nullable().default(null),
  ...{ dataTimestamp: z.iso.datetime(), bootable: z.boolean(), imageId: z.uuid().nullable() },
  ...{ imageName: z.string(), typeId: z.uuid().nullable(), metadata: z.record(z.string(), z.string()) },
  /** The key of an encrypted backup, sealed once more: it goes with the last volume and backup that needs it. */
  key: z.object({ id: z.uuid(), sealed: z.string(), keyBits: z.int() }).nullable().default(null),
})

export type BackupRecord = z.output<typeof record>

/** Returns the record of an available backup. */
export async function exportBackup(ctx: Ctx, input: { id: string }): Promise<string> {
  return inTransaction(ctx, async (tx) => {
    const row = await loadBackup(tx, 'volumeBackup:export', input.id)
    demandBackup(backupCan.export, row)
    await recordOperation(tx, backupHistory(row, 'volumeBackup.export'))
    return recordOf(tx, row)
  })
}

export async function recordOf(ctx: Ctx, { dataTimestamp, keyId, ...row }: BackupRow): Promise<string> {
  const key = keyId === null ? null : await ctx.db.volumeKey.findUnique({ where: { id: keyId } })
  const told = record.parse({ ...row, key, dataTimestamp: dataTimestamp.toISOString() })
  return seal(ctx, about, JSON.stringify(told))
}

/**
 * Makes a backup known again, in the caller's project, by its record; its store is asked for it. For administrators,
 * because a record may be one of another project. Throws invalid_input for what this cloud has not sealed, and conflict
 * when the backup is known otherwise than by an import that has failed.
 */
export async function importBackup(ctx: Ctx, input: z.output<typeof backupImportInput>): Promise<BackupView> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'volumeBackup:import', { projectId })
  const told = openRecord(ctx, input.record)
  if (told === null) throw invalidInput('This is no record that this cloud has exported.', 'record')
  return inTransaction(ctx, async (tx) => {
    // The host that has made it may be gone, and others may reach its store.
    const [host] = await hostsOfStore(tx, told)
    if (!host)
      throw conflict('The machine that has the store of this backup is not part of the cloud any more.')
    return makeKnown(tx, { ...told, hostId: host.id }, projectId)
  })
}

/**
 * Makes the row of a backup by its record, and begins to ask its store for it. Throws conflict when the backup is known
 * otherwise than by an import that has failed, or is being removed.
 */
export async function makeKnown(
  tx: Ctx,
  { key, projectId: _, ...told }: BackupRecord,
  projectId: string,
): Promise<BackupView> {
  await forgetFailedImport(tx, told.id)
  // A deletion locks the key before the quota, too.
  if (key) await keepKey(tx, key)
  await reserveQuota(tx, projectId, { volumeBackups: 1, volumeBackupGib: told.sizeGib })
  // Two imports of one record take turns here.
  const { count } = await tx.db.volumeBackup.createMany({
    data: { ...told, keyId: key?.id, projectId, userId: tx.actor.userId },
    skipDuplicates: true,
  })
  if (count === 0) throw conflict(`The backup ${told.id} is known already.`, 'backupState')
  if ((await busyBackups(tx, [told.id])).has(told.id))
    throw conflict('This backup is being removed from its store.', 'backupState')
  const made = await tx.db.volumeBackup.findUniqueOrThrow({ where: { id: told.id } })
  await startOperation(tx, { ...backupHistory(made, 'volumeBackup.import'), hostId: made.hostId })
  await noteBackup(tx, made, 'created')
  return backupView(tx, made)
}

/** Deletes the row of an earlier import that has failed, so that the record can be imported again. */
async function forgetFailedImport(tx: Ctx, id: string): Promise<void> {
  await tx.db.$queryRaw`SELECT 1 FROM "VolumeBackup" WHERE "id" = ${id}::uuid FOR UPDATE`
  const row = await tx.db.volumeBackup.findUnique({ where: { id } })
  if (row?.state !== 'error' || !isUnproven(row)) return
  // The earlier import may still be writing its end, which must not become that of the next one.
  if ((await busyBackups(tx, [id])).has(id)) return
  await tx.db.volumeBackup.delete({ where: { id } })
  await forgetKey(tx, row.keyId)
  await releaseQuota(tx, row.projectId, { volumeBackups: 1, volumeBackupGib: row.sizeGib })
  await noteBackup(tx, row, 'deleted')
}

/** What a record says; null for what this cloud has not sealed. */
export function openRecord(ctx: Ctx, text: string): BackupRecord | null {
  const told = unseal(ctx, about, text)
  return told === null ? null : record.parse(JSON.parse(told))
}
