import type { z } from 'zod'
import { busyAmong } from '../../kernel/busy.ts'
import { type Ctx, inTransaction, projectOf } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, invalidInput } from '../../kernel/errors.ts'
import { type Ask, askOf, pageView } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { reserveQuota } from '../../quota/service.ts'
import { volumeCan, volumeCreateInput } from '../contract.ts'
import { claimMore, isLocal } from '../pools.ts'
import type { VolumeRow } from '../queries.ts'
import { ofType, sumOf } from '../quota.ts'
import { lockVolume, stateOf } from '../row.ts'
import { createVolume } from '../service.ts'
import { lockSnapshot } from '../snapshots/row.ts'
import { insertSnapshot } from '../snapshots/service.ts'
import { removeSnapshotNow } from '../snapshots/trash.ts'
import {
  type GroupSnapshotView,
  groupCan,
  type groupFromInput,
  groupSnapshotCan,
  type groupSnapshotCreateInput,
  type groupSnapshotListInput,
  type VolumeGroupView,
} from './contract.ts'
import { copyNames } from './names.ts'
import { type GroupWhere, queryGroupSnapshots, sortableGroups } from './queries.ts'
import {
  demand,
  groupHistory,
  groupSnapshotStateOf,
  groupSnapshotView,
  groupStateOf,
  groupView,
  loadGroup,
  loadGroupSnapshot,
  lockGroup,
  lockGroupSnapshot,
  noteGroup,
} from './row.ts'
import { allowTypes, groupForVolume, writeGroup } from './service.ts'

export async function listGroupSnapshots(
  ctx: Ctx,
  input: z.output<typeof groupSnapshotListInput>,
): Promise<Page<GroupSnapshotView>> {
  const { allProjects, search, state, groupId } = input
  const where = { allProjects, search, groupId, states: state && [state] }
  const slice = await queryGroupSnapshots(ctx, { where, ...askOf(input, sortableGroups) })
  return pageView(slice, slice.rows.map(groupSnapshotView))
}

/** For OpenStack's clients. */
export async function findGroupSnapshots(
  ctx: Ctx,
  ask: Ask<GroupWhere>,
): Promise<{ snapshots: GroupSnapshotView[]; more: boolean }> {
  const { rows, next } = await queryGroupSnapshots(ctx, ask)
  return { snapshots: rows.map(groupSnapshotView), more: next !== null }
}

export const getGroupSnapshot = async (ctx: Ctx, input: { id: string }): Promise<GroupSnapshotView> =>
  groupSnapshotView(await loadGroupSnapshot(ctx, 'volumeGroupSnapshot:get', input.id))

/**
 * Keeps what the volumes of a group contain: at one instant those that one running guest has, and everything that nobody
 * uses; the volumes of several guests one guest after the other.
 */
export async function createGroupSnapshot(
  ctx: Ctx,
  input: z.output<typeof groupSnapshotCreateInput>,
): Promise<GroupSnapshotView> {
  return inTransaction(ctx, async (tx) => {
    const group = await lockGroup(tx, 'volumeGroupSnapshot:create', input.groupId)
    const seen = { state: groupStateOf(group), volumes: group.volumes.length }
    demand(groupCan.snapshot(seen), 'groupState')
    const volumes: VolumeRow[] = []
    for (const id of group.volumes.map((one) => one.id).sort())
      volumes.push(await lockVolume(tx, 'volumeSnapshot:create', id))
    for (const row of volumes) {
      const allowed = volumeCan.snapshot({ state: stateOf(row), multiattach: row.multiattach })
      if (allowed !== true) throw conflict(`${row.name || row.id}: ${allowed}`, 'volumeState')
    }
    const { name, description, groupId } = input
    const id = crypto.randomUUID()
    const { projectId } = group
    await tx.db.volumeGroupSnapshot.create({
      data: { id, projectId, userId: tx.actor.userId, name, description, groupId },
    })
    for (const volume of volumes)
      await insertSnapshot(tx, volume, { name: name || group.name, description, groupSnapshotId: id })
    const row = await loadGroupSnapshot(tx, 'volumeGroupSnapshot:get', id)
    const [first, ...others] = new Set(volumes.map(({ pool }) => pool.hostId))
    await startOperation(tx, {
      ...groupHistory('volumeGroupSnapshot', row, 'create'),
      hostId: others.length === 0 ? first : null,
    })
    await noteGroup(tx, 'volumeGroupSnapshot', row, 'created')
    await takeRoom(tx, group.projectId, volumes)
    return groupSnapshotView(row)
  })
}

/**
 * Takes the quota and the room of a group snapshot. This comes last, since others wait for these rows, and always in the
 * same order (pools with a capacity of their own by id, then hosts by id), so that two group snapshots cannot deadlock.
 */
async function takeRoom(tx: Ctx, projectId: string, volumes: readonly VolumeRow[]): Promise<void> {
  const taken = volumes.map(({ typeId, reservedGib }) =>
    ofType(typeId, { volumeSnapshots: 1, volumeGib: reservedGib }),
  )
  await reserveQuota(tx, projectId, sumOf(taken))
  const byPool = Map.groupBy(inLockOrder(volumes), ({ pool }) => placeInLocks(pool))
  for (const its of byPool.values()) {
    const gib = its.reduce((sum, { reservedGib }) => sum + reservedGib, 0)
    if (its[0]) await claimMore(tx, its[0].pool, gib)
  }
}

/** The order in which the room of pools is locked: pools with a capacity of their own by id, then hosts by id. */
const placeInLocks = (pool: Placed['pool']): string => (isLocal(pool) ? `host ${pool.hostId}` : ` ${pool.id}`)
type Placed = { pool: Pick<VolumeRow['pool'], 'id' | 'hostId' | 'capacityGib'> }
const inLockOrder = <T extends Placed>(things: readonly T[]): T[] =>
  things.toSorted((a, b) => (placeInLocks(a.pool) < placeInLocks(b.pool) ? -1 : 1))

/** Deletes a group snapshot with the snapshots of its volumes. What was made of them keeps its data. */
export async function deleteGroupSnapshot(ctx: Ctx, input: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockGroupSnapshot(tx, 'volumeGroupSnapshot:delete', input.id)
    demand(groupSnapshotCan.delete({ state: groupSnapshotStateOf(row) }), 'groupSnapshotState')
    for (const { id } of row.snapshots) await removeSnapshotNow(tx, { id })
    // From now on it may not have all of its parts any more.
    const data = { state: 'deleting', isOneInstant: null }
    await tx.db.volumeGroupSnapshot.update({ where: { id: row.id }, data })
    await startOperation(tx, groupHistory('volumeGroupSnapshot', row, 'delete'))
    await noteGroup(tx, 'volumeGroupSnapshot', row, 'updated')
  })
}

const busySnapshots = busyAmong('volumeGroupSnapshot')

/**
 * Sets the state of a group snapshot that is stuck, for administrators. Throws conflict while something is being done to it,
 * and for the state available when it was never made or its deletion has begun: a group made of it would lack volumes.
 */
export async function resetGroupSnapshot(
  ctx: Ctx,
  input: { id: string; to: 'available' | 'error' },
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockGroupSnapshot(tx, 'volumeGroupSnapshot:reset_state', input.id)
    if ((await busySnapshots(tx, [row.id])).has(row.id))
      throw conflict(
        'Something is being done to this group snapshot. Wait until that is over.',
        'groupSnapshotState',
      )
    if (input.to === 'available' && row.isOneInstant === null)
      throw conflict(
        'This group snapshot does not have a snapshot of each volume: it was never made, or is deleted in part.',
        'groupSnapshotState',
      )
    const faultMessage = input.to === 'error' ? 'An administrator has set this state.' : null
    await tx.db.volumeGroupSnapshot.update({ where: { id: row.id }, data: { state: input.to, faultMessage } })
    await recordOperation(tx, groupHistory('volumeGroupSnapshot', row, 'reset_state'))
    await noteGroup(tx, 'volumeGroupSnapshot', row, 'updated')
  })
}

type Source = { zone: string; volumeTypeIds: string[]; groupTypeId: string }
type Made = Placed & { source: { snapshotId: string } | { sourceVolumeId: string }; name: string }

/**
 * Makes a group with volumes that begin with those of a group snapshot, or of a group. Volumes of a group are copied one
 * after the other: what belongs together at one instant comes from a group snapshot. Their room is taken in the order of
 * the pools, as for a group snapshot.
 */
export async function createGroupFrom(
  ctx: Ctx,
  input: z.output<typeof groupFromInput>,
): Promise<VolumeGroupView> {
  const { name, description, groupSnapshotId, groupId } = input
  authorize(ctx, 'volumeGroup:create', { projectId: projectOf(ctx) })
  return inTransaction(ctx, async (tx) => {
    const { source, made } = await sourceOf(tx, { groupSnapshotId, groupId })
    const row = await writeGroup(tx, {
      ...{ name, description, type: source.groupTypeId, zone: source.zone, state: 'creating' },
      ...(groupSnapshotId === undefined ? {} : { groupSnapshotId }),
      ...(groupId === undefined ? {} : { sourceGroupId: groupId }),
    })
    await allowTypes(tx, row.id, source.volumeTypeIds)
    const group = await groupForVolume(tx, row.id)
    const names = copyNames(name, made)
    for (const one of inLockOrder(made))
      await createVolume(tx, volumeCreateInput.parse({ name: names.get(one), ...one.source }), { group })
    await startOperation(tx, groupHistory('volumeGroup', row, 'create'))
    return groupView(await loadGroup(tx, 'volumeGroup:get', row.id))
  })
}

/** What a new group is made of, locked in the order of ids until the transaction ends. */
async function sourceOf(
  tx: Ctx,
  { groupSnapshotId, groupId }: { groupSnapshotId?: string | undefined; groupId?: string | undefined },
): Promise<{ source: Source; made: Made[] }> {
  if ((groupSnapshotId === undefined) === (groupId === undefined))
    throw invalidInput('A group is made of a group snapshot or of a group: name one of them.')
  const snapshot =
    groupSnapshotId === undefined
      ? null
      : await loadGroupSnapshot(tx, 'volumeGroupSnapshot:get', groupSnapshotId)
  const group = await lockGroup(tx, 'volumeGroup:get', snapshot?.group.id ?? groupId ?? '')
  if (group.projectId !== projectOf(tx)) throw conflict('The group belongs to another project.', 'groupState')
  const source = {
    zone: group.zone,
    groupTypeId: group.type.id,
    volumeTypeIds: group.volumeTypes.map(({ volumeType }) => volumeType.id),
  }
  if (snapshot) {
    const { snapshots, state } = await lockGroupSnapshot(tx, 'volumeGroupSnapshot:get', snapshot.id)
    demand(groupSnapshotCan.use({ state: groupSnapshotStateOf({ state }) }), 'groupSnapshotState')
    for (const { id } of snapshots) await lockSnapshot(tx, 'volumeSnapshot:get', id)
    return {
      source,
      made: snapshots.map(({ id, volume, pool }) => ({
        source: { snapshotId: id },
        name: volume.name,
        pool,
      })),
    }
  }
  demand(groupCan.snapshot({ state: groupStateOf(group), volumes: group.volumes.length }), 'groupState')
  const made: Made[] = []
  for (const id of group.volumes.map((one) => one.id).sort()) {
    const { name, pool } = await lockVolume(tx, 'volume:get', id)
    made.push({ source: { sourceVolumeId: id }, name, pool })
  }
  return { source, made }
}
