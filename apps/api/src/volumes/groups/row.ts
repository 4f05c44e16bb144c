import type { Prisma } from '@stratolith/db'
import { type Ctx, visible } from '../../kernel/context.ts'
import type { Allowed } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import { stateOf } from '../row.ts'
import { snapshotStateOf } from '../snapshots/row.ts'
import {
  type GroupSnapshotState,
  type GroupSnapshotView,
  type GroupState,
  groupSnapshotStates,
  groupStates,
  type VolumeGroupView,
} from './contract.ts'

/** How groups and group snapshots are loaded, shown and noted. */

const named = { select: { id: true, name: true } } as const
export const withVolumes = {
  type: named,
  volumeTypes: { select: { volumeType: named }, orderBy: { volumeTypeId: 'asc' } },
  snapshots: { select: { id: true }, take: 1 },
  volumes: {
    select: { id: true, name: true, sizeGib: true, state: true, type: named },
    where: { trashedUntil: null },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  },
} satisfies Prisma.VolumeGroupInclude
export type GroupRow = Prisma.VolumeGroupGetPayload<{ include: typeof withVolumes }>

export const withSnapshots = {
  group: { select: { id: true, name: true, typeId: true } },
  snapshots: { include: { pool: true, volume: named }, orderBy: { id: 'asc' } },
} satisfies Prisma.VolumeGroupSnapshotInclude
export type GroupSnapshotRow = Prisma.VolumeGroupSnapshotGetPayload<{ include: typeof withSnapshots }>

/** Loads a group by its id among those that the caller may see, then authorizes. Throws not_found otherwise. */
export async function loadGroup(ctx: Ctx, action: string, id: string): Promise<GroupRow> {
  const row = await ctx.db.volumeGroup.findFirst({ where: { id, ...visible(ctx) }, include: withVolumes })
  if (!row) throw notFound('volume group', id)
  authorize(ctx, action, row)
  return row
}

/** The same, for a change: the row is locked until the transaction ends. Whoever locks volumes too locks their group first. */
export async function lockGroup(ctx: Ctx, action: string, id: string): Promise<GroupRow> {
  const { projectId = null } = visible(ctx)
  await ctx.db.$queryRaw`
    SELECT 1 FROM "VolumeGroup" WHERE "id" = ${id}::uuid AND (${projectId}::text IS NULL OR "projectId" = ${projectId})
    FOR UPDATE`
  return loadGroup(ctx, action, id)
}

export async function loadGroupSnapshot(ctx: Ctx, action: string, id: string): Promise<GroupSnapshotRow> {
  const where = { id, ...visible(ctx) }
  const row = await ctx.db.volumeGroupSnapshot.findFirst({ where, include: withSnapshots })
  if (!row) throw notFound('group snapshot', id)
  authorize(ctx, action, row)
  return row
}

export async function lockGroupSnapshot(ctx: Ctx, action: string, id: string): Promise<GroupSnapshotRow> {
  const { projectId = null } = visible(ctx)
  await ctx.db.$queryRaw`
    SELECT 1 FROM "VolumeGroupSnapshot"
    WHERE "id" = ${id}::uuid AND (${projectId}::text IS NULL OR "projectId" = ${projectId}) FOR UPDATE`
  return loadGroupSnapshot(ctx, action, id)
}

export const groupStateOf = (row: { state: string }): GroupState =>
  groupStates.find((state) => state === row.state) ?? 'error'
export const groupSnapshotStateOf = (row: { state: string }): GroupSnapshotState =>
  groupSnapshotStates.find((state) => state === row.state) ?? 'error'

/** Throws conflict with the reason when something forbids an action. */
export function demand(allowed: Allowed, reason: 'groupState' | 'groupSnapshotState'): void {
  if (allowed !== true) throw conflict(allowed, reason)
}

export function groupView(row: GroupRow): VolumeGroupView {
  const state = groupStateOf(row)
  return {
    ...{ id: row.id, projectId: row.projectId, userId: row.userId, name: row.name, state },
    ...{ description: row.description, type: row.type, zone: row.zone },
    volumeTypes: row.volumeTypes.map(({ volumeType }) => volumeType),
    volumes: row.volumes.map((volume) => ({ ...volume, state: stateOf(volume) })),
    hasSnapshots: row.snapshots.length > 0,
    ...{ groupSnapshotId: row.groupSnapshotId, sourceGroupId: row.sourceGroupId },
    error: state === 'error' ? row.faultMessage : null,
    ...{ createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() },
  }
}

export function groupSnapshotView(row: GroupSnapshotRow): GroupSnapshotView {
  const state = groupSnapshotStateOf(row)
  const { typeId, ...group } = row.group
  return {
    ...{ id: row.id, projectId: row.projectId, name: row.name, description: row.description, state },
    ...{ group, groupTypeId: typeId, isOneInstant: row.isOneInstant },
    snapshots: row.snapshots.map((one) => ({
      ...{ id: one.id, name: one.name, volume: one.volume, sizeGib: one.sizeGib },
      ...{ state: snapshotStateOf(one), quiesced: one.quiesced },
    })),
    error: state.startsWith('error') ? row.faultMessage : null,
    ...{ createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() },
  }
}

type Kind = 'volumeGroup' | 'volumeGroupSnapshot'
type Noted = { id: string; projectId: string; name: string }

/** Tells the open pages and the history of a change; `what` is "created", "updated" or "deleted". */
export const noteGroup = (
  ctx: Ctx,
  resourceKind: Kind,
  row: Noted,
  what: 'created' | 'updated' | 'deleted',
  operationId?: string,
): Promise<void> =>
  appendEvent(ctx, {
    ...{ kind: `${resourceKind}.${what}`, projectId: row.projectId, resourceKind, resourceId: row.id },
    ...{ operationId, data: { name: row.name } },
  })

export const groupHistory = (resourceKind: Kind, row: Noted, verb: string) => ({
  ...{ id: crypto.randomUUID(), action: `${resourceKind}.${verb}`, resourceKind },
  ...{ resourceId: row.id, resourceName: row.name, projectId: row.projectId },
})
