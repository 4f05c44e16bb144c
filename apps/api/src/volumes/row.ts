import { hostRefs, namesOf } from '../hosts/service.ts'
import { type Ctx, isAdmin, visible } from '../kernel/context.ts'
import type { Allowed } from '../kernel/contract.ts'
import { conflict, notFound } from '../kernel/errors.ts'
import { appendEvent, type NewEvent } from '../kernel/events.ts'
import { authorize } from '../kernel/policy.ts'
import { type VolumeAttachmentView, type VolumeState, type VolumeView, volumeStates } from './contract.ts'
import { isOnLun } from './pools/drivers.ts'
import { type VolumeRow, withParts } from './queries.ts'
import { carriedOut } from './types/row.ts'
import { limitsOf } from './types/states.ts'

/** The bytes of the image that a volume was made with (Volume.source); null without an image. */
export type Source = { blobId: string; format: 'raw' | 'qcow2'; virtualBytes: number }
export const sourceOf = (row: { source: unknown }): Source | null => {
  const source = row.source as Partial<Source>
  return source.blobId ? (source as Source) : null
}

/**
 * Loads a volume by its id among those that the caller may see, then authorizes. Throws not_found otherwise, also for a
 * volume that is deleted and can be taken back.
 */
export const loadVolume = (ctx: Ctx, action: string, id: string): Promise<VolumeRow> =>
  load(ctx, action, id, null)

async function load(
  ctx: Ctx,
  action: string,
  id: string,
  trashedUntil: null | { not: null } | undefined,
): Promise<VolumeRow> {
  const row = await ctx.db.volume.findFirst({
    where: { id, trashedUntil, ...visible(ctx) },
    include: withParts,
  })
  if (!row) throw notFound('volume', id)
  authorize(ctx, action, row)
  return row
}

/**
 * Like loadVolume, for a change: the row is locked until the transaction ends. Callers lock only rows that they may see.
 */
export async function lockVolume(ctx: Ctx, action: string, id: string): Promise<VolumeRow> {
  await lockRow(ctx, id)
  return loadVolume(ctx, action, id)
}

/** Does the same for a volume that is deleted and can be taken back. Throws not_found for any other. */
export async function lockTrashed(ctx: Ctx, action: string, id: string): Promise<VolumeRow> {
  await lockRow(ctx, id)
  return load(ctx, action, id, { not: null })
}

/** Does the same for a volume that is deleted or not. */
export async function lockEither(ctx: Ctx, action: string, id: string): Promise<VolumeRow> {
  await lockRow(ctx, id)
  return load(ctx, action, id, undefined)
}

async function lockRow(ctx: Ctx, id: string): Promise<void> {
  const { projectId = null } = visible(ctx)
  await ctx.db.$queryRaw`
    SELECT 1 FROM "Volume" WHERE "id" = ${id}::uuid AND (${projectId}::text IS NULL OR "projectId" = ${projectId})
    FOR UPDATE`
}

type Seen = Pick<
  VolumeView,
  'state' | 'multiattach' | 'groupId' | 'encrypted' | 'isWhole' | 'protected' | 'isLun'
>

/** What decides which actions a volume allows (volumeCan). */
export const seenOf = (row: VolumeRow): Seen => ({
  ...{ state: stateOf(row), multiattach: row.multiattach, groupId: row.groupId, isWhole: row.isWhole },
  ...{ encrypted: row.keyId !== null, protected: row.protected, isLun: isOnLun(row.pool) },
})

/** Throws conflict with the reason when the state of the volume forbids an action. */
export function demand(rule: (volume: Seen) => Allowed, row: VolumeRow): void {
  const allowed = rule(seenOf(row))
  if (allowed !== true) throw conflict(allowed, 'volumeState')
}

export const stateOf = (row: { state: string }): VolumeState =>
  volumeStates.find((state) => state === row.state) ?? 'error'

/** The views of a page of volumes; at most three queries more, for the names of instances and of their hosts, and for snapshots. */
export async function viewsOf(ctx: Ctx, rows: readonly VolumeRow[]): Promise<VolumeView[]> {
  const instances = [...new Set(rows.flatMap((row) => row.attachments.map((one) => one.instanceId)))]
  const hostIds = [...new Set(rows.flatMap((row) => row.attachments.flatMap((one) => one.hostId ?? [])))]
  const [names, hosts, kept] = await Promise.all([
    instances.length > 0 ? namesOf(ctx, 'instance', instances) : new Map(),
    isAdmin(ctx) && hostIds.length > 0 ? hostRefs(ctx, hostIds) : [],
    withSnapshots(ctx, rows),
  ])
  const hostNames = new Map(hosts.map((host) => [host.id, host.name]))
  const nameOf = (id: string) => names.get(id)?.name ?? null
  return rows.map((row) => ({
    ...viewOf(ctx, row, nameOf, (id) => hostNames.get(id ?? '') ?? null),
    hasSnapshots: kept.has(row.id),
  }))
}

/** Those of the volumes that have snapshots. Takes one query. */
async function withSnapshots(ctx: Ctx, rows: readonly VolumeRow[]): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set()
  const found = await ctx.db.volumeSnapshot.groupBy({
    by: ['volumeId'],
    where: { volumeId: { in: rows.map(({ id }) => id) }, trashedUntil: null },
  })
  return new Set(found.map(({ volumeId }) => volumeId))
}

export async function viewOfOne(ctx: Ctx, row: VolumeRow): Promise<VolumeView> {
  const [view] = await viewsOf(ctx, [row])
  if (!view) throw notFound('volume', row.id)
  return view
}

function viewOf(
  ctx: Ctx,
  row: VolumeRow,
  nameOf: (id: string) => string | null,
  hostOf: (id: string | null) => string | null,
): Omit<VolumeView, 'hasSnapshots'> {
  const state = stateOf(row)
  return {
    id: row.id,
    projectId: row.projectId,
    userId: row.userId,
    name: row.name,
    description: row.description,
    sizeGib: row.sizeGib,
    state,
    bootable: row.bootable,
    readOnly: row.readOnly,
    protected: row.protected,
    encrypted: row.keyId !== null,
    keyId: row.keyId,
    multiattach: row.multiattach,
    isLun: isOnLun(row.pool),
    zone: row.zone,
    type: { id: row.type.id, name: row.type.name },
    limits: limitsOf(carriedOut(row.type.qos), row.sizeGib),
    pool: isAdmin(ctx) ? row.pool.name : null,
    migration: isAdmin(ctx) ? row.migrationStatus : null,
    imageMetadata: row.imageMetadata as Record<string, string>,
    image: row.imageId === null ? null : { id: row.imageId, name: row.imageName },
    snapshotId: row.snapshotId,
    sourceVolumeId: row.sourceVolumeId,
    groupId: row.groupId,
    backupId: row.backupId,
    metadata: row.metadata as Record<string, string>,
    attachments: row.attachments.map((one) => ({
      id: one.id,
      instanceId: one.instanceId,
      instanceName: nameOf(one.instanceId),
      device: one.device,
      state: attachmentState(one),
      attachedAt: one.attachedAt?.toISOString() ?? null,
      deleteOnTermination: one.deleteOnTermination,
      host: hostOf(one.hostId),
    })),
    error: state.startsWith('error') ? row.faultMessage : null,
    isWhole: state.startsWith('error') && row.isWhole,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

const attachmentState = ({ state }: { state: string }): VolumeAttachmentView['state'] =>
  state === 'attached' || state === 'detaching' ? state : 'attaching'

/** Tells the open pages and the history of a change; `what` is "created", "updated" or "deleted". */
export const noteVolume = (
  ctx: Ctx,
  row: { id: string; projectId: string; name: string },
  what: 'created' | 'updated' | 'deleted',
  operationId?: string,
): Promise<void> => appendEvent(ctx, volumeEvent(row, what, operationId))

export const volumeEvent = (
  row: { id: string; projectId: string; name: string },
  what: 'created' | 'updated' | 'deleted',
  operationId?: string,
): NewEvent => ({
  kind: `volume.${what}`,
  projectId: row.projectId,
  resourceKind: 'volume',
  resourceId: row.id,
  operationId,
  data: { name: row.name },
})

export const historyOf = (row: { id: string; name: string; projectId: string }, action: string) => ({
  id: crypto.randomUUID(),
  action,
  resourceKind: 'volume',
  resourceId: row.id,
  resourceName: row.name,
  projectId: row.projectId,
})
