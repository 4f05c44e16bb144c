import { type Ctx, visible } from '../../kernel/context.ts'
import type { Allowed } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import { type BackupState, type BackupView, backupStates } from './contract.ts'
import type { BackupRow } from './queries.ts'

/**
 * Loads a backup by its id among those that the caller may see, then authorizes. Throws not_found otherwise, also for a
 * backup that is deleted and can be taken back.
 */
export const loadBackup = (ctx: Ctx, action: string, id: string): Promise<BackupRow> =>
  load(ctx, action, id, null)

async function load(
  ctx: Ctx,
  action: string,
  id: string,
  trashedUntil: null | { not: null } | undefined,
): Promise<BackupRow> {
  const row = await ctx.db.volumeBackup.findFirst({ where: { id, trashedUntil, ...visible(ctx) } })
  if (!row) throw notFound('backup', id)
  authorize(ctx, action, row)
  return row
}

/**
 * Like loadBackup, for a change: the row is locked until the transaction ends. Whoever locks a volume or a snapshot too
 * locks them first.
 */
export async function lockBackup(ctx: Ctx, action: string, id: string): Promise<BackupRow> {
  await lockRow(ctx, id)
  return load(ctx, action, id, null)
}

/** Does the same for a backup that is deleted and can be taken back. Throws not_found for any other. */
export async function lockTrashedBackup(ctx: Ctx, action: string, id: string): Promise<BackupRow> {
  await lockRow(ctx, id)
  return load(ctx, action, id, { not: null })
}

/** Does the same for a backup that is deleted or not. */
export async function lockEitherBackup(ctx: Ctx, action: string, id: string): Promise<BackupRow> {
  await lockRow(ctx, id)
  return load(ctx, action, id, undefined)
}

async function lockRow(ctx: Ctx, id: string): Promise<void> {
  const { projectId = null } = visible(ctx)
  await ctx.db.$queryRaw`
    SELECT 1 FROM "VolumeBackup" WHERE "id" = ${id}::uuid AND (${projectId}::text IS NULL OR "projectId" = ${projectId})
    FOR UPDATE`
}

export const backupStateOf = (row: { state: string }): BackupState =>
  backupStates.find((state) => state === row.state) ?? 'error'

/**
 * Tells whether a backup is known by its record alone: its store has not confirmed it. Then the data in the store may be the
 * only ones of that backup, or those of another one, so that they stay when the row goes.
 */
export const isUnproven = ({ checksum, storedBytes }: Pick<BackupRow, 'checksum' | 'storedBytes'>): boolean =>
  checksum !== null && storedBytes === null

/** Throws conflict with the reason when the state of the backup forbids an action. */
export function demandBackup(rule: (backup: { state: BackupState }) => Allowed, row: BackupRow): void {
  const allowed = rule({ state: backupStateOf(row) })
  if (allowed !== true) throw conflict(allowed, 'backupState')
}

/** The views of a page of backups; one query more, for the names of volumes that are still there. */
export async function backupViews(ctx: Ctx, rows: readonly BackupRow[]): Promise<BackupView[]> {
  const ids = [...new Set(rows.map(({ volumeId }) => volumeId))]
  const where = { id: { in: ids }, trashedUntil: null, ...visible(ctx) }
  const volumes =
    ids.length > 0 ? await ctx.db.volume.findMany({ where, select: { id: true, name: true } }) : []
  const names = new Map(volumes.map(({ id, name }) => [id, name]))
  return rows.map((row) => viewOf(row, names.get(row.volumeId) ?? null))
}

export async function backupView(ctx: Ctx, row: BackupRow): Promise<BackupView> {
  const [view] = await backupViews(ctx, [row])
  if (!view) throw notFound('backup', row.id)
  return view
}

function viewOf(row: BackupRow, volumeName: string | null): BackupView {
  const state = backupStateOf(row)
  return {
    id: row.id,
    projectId: row.projectId,
    userId: row.userId,
    name: row.name,
    description: row.description,
    volume: { id: row.volumeId, name: volumeName, lastName: row.volumeName },
    snapshotId: row.snapshotId,
    parentId: row.parentId,
    sizeGib: row.sizeGib,
    state,
    zone: row.zone,
    container: row.container,
    storedBytes: row.storedBytes === null ? null : Number(row.storedBytes),
    chunks: row.chunks,
    quiesced: row.quiesced,
    dataTimestamp: row.dataTimestamp.toISOString(),
    bootable: row.bootable,
    encrypted: row.keyId !== null,
    keyId: row.keyId,
    metadata: row.metadata as Record<string, string>,
    scheduleId: row.scheduleId,
    error: state.startsWith('error') ? row.faultMessage : null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

/** Tells the open pages and the history of a change; `what` is "created", "updated" or "deleted". */
export const noteBackup = (
  ctx: Ctx,
  row: { id: string; projectId: string; name: string },
  what: 'created' | 'updated' | 'deleted',
  operationId?: string,
): Promise<void> =>
  appendEvent(ctx, {
    kind: `volumeBackup.${what}`,
    projectId: row.projectId,
    resourceKind: 'volumeBackup',
    resourceId: row.id,
    operationId,
    data: { name: row.name },
  })

export const backupHistory = (
  row: { id: string; name: string; projectId: string; volumeId: string },
  action: string,
) => ({
  id: crypto.randomUUID(),
  action,
  resourceKind: 'volumeBackup',
  resourceId: row.id,
  resourceName: row.name,
  relatedId: row.volumeId,
  projectId: row.projectId,
})
