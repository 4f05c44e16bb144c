import { type Ctx, visible } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import { stateOf } from '../row.ts'
import { type SnapshotState, type SnapshotView, snapshotStates } from './contract.ts'
import { type SnapshotRow, withVolume } from './queries.ts'

/**
 * Loads a snapshot by its id among those that the caller may see, then authorizes. Throws not_found otherwise, also for a
 * snapshot that is deleted and can be taken back.
 */
export const loadSnapshot = (ctx: Ctx, action: string, id: string): Promise<SnapshotRow> =>
  load(ctx, action, id, null)

async function load(
  ctx: Ctx,
  action: string,
  id: string,
  trashedUntil: null | { not: null } | undefined,
): Promise<SnapshotRow> {
  const where = { id, trashedUntil, ...visible(ctx) }
  const row = await ctx.db.volumeSnapshot.findFirst({ where, include: withVolume })
  if (!row) throw notFound('snapshot', id)
  authorize(ctx, action, row)
  return row
}

/**
 * Like loadSnapshot, for a change: the row is locked until the transaction ends. Whoever locks a volume too locks the
 * volume first.
 */
export async function lockSnapshot(ctx: Ctx, action: string, id: string): Promise<SnapshotRow> {
  await lockRow(ctx, id)
  return load(ctx, action, id, null)
}

/** Does the same for a snapshot that is deleted and can be taken back. Throws not_found for any other. */
export async function lockTrashedSnapshot(ctx: Ctx, action: string, id: string): Promise<SnapshotRow> {
  await lockRow(ctx, id)
  return load(ctx, action, id, { not: null })
}

/** Does the same for a snapshot that is deleted or not. */
export async function lockEitherSnapshot(ctx: Ctx, action: string, id: string): Promise<SnapshotRow> {
  await lockRow(ctx, id)
  return load(ctx, action, id, undefined)
}

/** Locks the volume of a snapshot that the caller may see. */
export async function lockVolumeOf(ctx: Ctx, id: string): Promise<void> {
  const { projectId = null } = visible(ctx)
  await ctx.db.$queryRaw`
    SELECT 1 FROM "Volume" WHERE "id" = (SELECT "volumeId" FROM "VolumeSnapshot"
      WHERE "id" = ${id}::uuid AND (${projectId}::text IS NULL OR "projectId" = ${projectId})) FOR UPDATE`
}

async function lockRow(ctx: Ctx, id: string): Promise<void> {
  const { projectId = null } = visible(ctx)
  await ctx.db.$queryRaw`
    SELECT 1 FROM "VolumeSnapshot" WHERE "id" = ${id}::uuid AND (${projectId}::text IS NULL OR "projectId" = ${projectId})
    FOR UPDATE`
}

export const snapshotStateOf = (row: { state: string }): SnapshotState =>
  snapshotStates.find((state) => state === row.state) ?? 'error'

export function snapshotView(row: SnapshotRow): SnapshotView {
  const state = snapshotStateOf(row)
  return {
    id: row.id,
    projectId: row.projectId,
    userId: row.userId,
    name: row.name,
    description: row.description,
    volume: { id: row.volume.id, name: row.volume.name, state: stateOf(row.volume) },
    sizeGib: row.sizeGib,
    encrypted: row.volume.keyId !== null,
    state,
    quiesced: row.quiesced,
    bootable: row.bootable,
    groupSnapshotId: row.groupSnapshotId,
    metadata: row.metadata as Record<string, string>,
    error: state.startsWith('error') ? row.faultMessage : null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

/** Tells the open pages and the history of a change; `what` is "created", "updated" or "deleted". */
export const noteSnapshot = (
  ctx: Ctx,
  row: { id: string; projectId: string; name: string },
  what: 'created' | 'updated' | 'deleted',
  operationId?: string,
): Promise<void> =>
  appendEvent(ctx, {
    kind: `volumeSnapshot.${what}`,
    projectId: row.projectId,
    resourceKind: 'volumeSnapshot',
    resourceId: row.id,
    operationId,
    data: { name: row.name },
  })

export const snapshotHistory = (
  row: { id: string; name: string; projectId: string; volumeId: string },
  action: string,
) => ({
  id: crypto.randomUUID(),
  action,
  resourceKind: 'volumeSnapshot',
  resourceId: row.id,
  resourceName: row.name,
  relatedId: row.volumeId,
  projectId: row.projectId,
})
