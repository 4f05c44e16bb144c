import type { z } from 'zod'
import { listZones } from '../../hosts/service.ts'
import { busyAmong } from '../../kernel/busy.ts'
import { type Ctx, inTransaction, projectOf } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { type Ask, askOf, pageView } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import { volumeCan } from '../contract.ts'
import { whyNeeded } from '../needed.ts'
import { type VolumeRow, withParts } from '../queries.ts'
import { lockVolume, noteVolume, stateOf } from '../row.ts'
import { discardVolume } from '../trash/service.ts'
import { typeNamed } from '../types/service.ts'
import {
  groupCan,
  type groupCreateInput,
  type groupDeleteInput,
  type groupListInput,
  type groupUpdateInput,
  mostVolumes,
  type VolumeGroupView,
} from './contract.ts'
import { type GroupWhere, queryGroups, sortableGroups } from './queries.ts'
import {
  demand,
  type GroupRow,
  groupHistory,
  groupStateOf,
  groupView,
  loadGroup,
  lockGroup,
  noteGroup,
  withVolumes,
} from './row.ts'
import { groupTypeFor } from './types.ts'

export async function listGroups(
  ctx: Ctx,
  input: z.output<typeof groupListInput>,
): Promise<Page<VolumeGroupView>> {
  const { allProjects, search, state } = input
  const where = { allProjects, search, states: state && [state] }
  const slice = await queryGroups(ctx, { where, ...askOf(input, sortableGroups) })
  return pageView(slice, slice.rows.map(groupView))
}

/** For OpenStack's clients. */
export async function findGroups(
  ctx: Ctx,
  ask: Ask<GroupWhere>,
): Promise<{ groups: VolumeGroupView[]; more: boolean }> {
  const { rows, next } = await queryGroups(ctx, ask)
  return { groups: rows.map(groupView), more: next !== null }
}

export const getGroup = async (ctx: Ctx, input: { id: string }): Promise<VolumeGroupView> =>
  groupView(await loadGroup(ctx, 'volumeGroup:get', input.id))

/** Throws what a change of the group would throw to a caller who may not make it. */
export const demandChangeable = async (ctx: Ctx, input: { id: string }): Promise<void> => {
  await loadGroup(ctx, 'volumeGroup:update', input.id)
}

/** Makes a group of volumes of these types, with those volumes that are named. */
export async function createGroup(
  ctx: Ctx,
  input: z.output<typeof groupCreateInput>,
): Promise<VolumeGroupView> {
  const { name, description, volumeIds } = input
  return inTransaction(ctx, async (tx) => {
    const types = await Promise.all(input.volumeTypes.map((type) => demandType(tx, type)))
    if (types.length === 0 && volumeIds.length === 0)
      throw invalidInput('Name the volumes of the group, or the types that its volumes are to have.')
    const row = await writeGroup(tx, { name, description, type: input.type, zone: input.zone })
    await allowTypes(tx, row.id, types)
    if (volumeIds.length > 0) await addVolumes(tx, row.id, { ids: volumeIds, withTypes: true })
    return groupView(await loadGroup(tx, 'volumeGroup:get', row.id))
  })
}

/** Writes the row of a new group, with its quota, history and event. */
export async function writeGroup(
  tx: Ctx,
  wish: {
    name: string
    description: string
    type?: string | undefined
    zone?: string | undefined
    state?: 'creating'
    groupSnapshotId?: string
    sourceGroupId?: string
  },
): Promise<GroupRow> {
  const projectId = projectOf(tx)
  authorize(tx, 'volumeGroup:create', { projectId })
  const { type: typeName, zone, state = 'available', ...rest } = wish
  const type = await groupTypeFor(tx, typeName)
  const zones = await listZones(tx, { detail: false })
  if (zone !== undefined && !zones.some((one) => one.name === zone))
    throw invalidInput(`There is no zone ${zone}.`, 'zone')
  await reserveQuota(tx, projectId, { volumeGroups: 1 })
  const row = await tx.db.volumeGroup.create({
    data: {
      ...{ id: crypto.randomUUID(), projectId, userId: tx.actor.userId, typeId: type.id, state, ...rest },
      zone: zone ?? zones[0]?.name ?? 'nova',
    },
    include: withVolumes,
  })
  if (state !== 'creating') await recordOperation(tx, groupHistory('volumeGroup', row, 'create'))
  await noteGroup(tx, 'volumeGroup', row, 'created')
  return row
}

async function demandType(ctx: Ctx, named: string): Promise<string> {
  const type = await typeNamed(ctx, named)
  if (!type) throw invalidInput(`There is no volume type ${named}.`, 'type')
  return type.id
}

/** The group may have volumes of these types from now on. */
export async function allowTypes(tx: Ctx, groupId: string, typeIds: readonly string[]): Promise<void> {
  const data = [...new Set(typeIds)].map((volumeTypeId) => ({ groupId, volumeTypeId }))
  await tx.db.volumeGroupVolumeType.createMany({ data, skipDuplicates: true })
}

/** Changes name and description, adds volumes and takes others out. */
export async function updateGroup(
  ctx: Ctx,
  input: z.output<typeof groupUpdateInput>,
): Promise<VolumeGroupView> {
  const { id, add, remove, withTypes, ...data } = input
  return inTransaction(ctx, async (tx) => {
    const before = await lockGroup(tx, 'volumeGroup:update', id)
    demand(groupCan.change({ state: groupStateOf(before) }), 'groupState')
    if (add.some((one) => remove.includes(one)))
      throw invalidInput('A volume is either added to a group or taken out of it.')
    await removeVolumes(tx, id, remove)
    await addVolumes(tx, id, { ids: add, withTypes })
    const after = await tx.db.volumeGroup.update({ where: { id }, data, include: withVolumes })
    await recordOperation(tx, groupHistory('volumeGroup', after, 'update'))
    await noteGroup(tx, 'volumeGroup', after, 'updated')
    return groupView(after)
  })
}

async function addVolumes(
  tx: Ctx,
  groupId: string,
  { ids, withTypes }: { ids: readonly string[]; withTypes: boolean },
): Promise<void> {
  const rows = await lockAll(tx, ids)
  const group = await tx.db.volumeGroup.findUniqueOrThrow({ where: { id: groupId }, include: withVolumes })
  for (const row of rows) {
    const what = `The volume ${row.name || row.id}`
    if (row.projectId !== group.projectId) throw notFound('volume', row.id)
    if (row.groupId !== null && row.groupId !== groupId)
      throw conflict(`${what} is in another group. Take it out there first.`, 'volumeState')
    const allowed = volumeCan.join({ state: stateOf(row) })
    if (allowed !== true) throw conflict(`${what} cannot be added. ${allowed}`, 'volumeState')
    const isOfType = group.volumeTypes.some(({ volumeType }) => volumeType.id === row.typeId)
    if (!isOfType && !withTypes)
      throw conflict(`${what} has the type ${row.type.name}, which the group does not take.`, 'volumeState')
  }
  if (withTypes)
    await allowTypes(
      tx,
      groupId,
      rows.map(({ typeId }) => typeId),
    )
  const fresh = rows.filter((row) => row.groupId === null)
  if (group.volumes.length + fresh.length > mostVolumes)
    throw invalidInput(`A group has at most ${mostVolumes} volumes.`)
  await setGroup(tx, fresh, groupId)
}

async function removeVolumes(tx: Ctx, groupId: string, ids: readonly string[]): Promise<void> {
  const rows = await lockAll(tx, ids)
  for (const row of rows) {
    if (row.groupId !== groupId)
      throw conflict(`The volume ${row.name || row.id} is not in this group.`, 'volumeState')
  }
  await setGroup(tx, rows, null)
}

async function setGroup(tx: Ctx, rows: readonly VolumeRow[], groupId: string | null): Promise<void> {
  await tx.db.volume.updateMany({ where: { id: { in: rows.map(({ id }) => id) } }, data: { groupId } })
  for (const row of rows) await noteVolume(tx, row, 'updated')
}

/** Locks volumes in the order of their ids. Throws not_found for those that the caller may not see. */
async function lockAll(tx: Ctx, ids: readonly string[]): Promise<VolumeRow[]> {
  const rows: VolumeRow[] = []
  for (const id of [...new Set(ids)].sort()) rows.push(await lockVolume(tx, 'volume:update', id))
  return rows
}

/**
 * Deletes a group. Its volumes go on without the group, or are deleted with it, as single volumes are. Throws conflict
 * while the group has snapshots, and when a volume that is to be deleted cannot be. `noVolumes`: refuses a group that
 * has volumes.
 */
export async function deleteGroup(
  ctx: Ctx,
  input: z.output<typeof groupDeleteInput>,
  { noVolumes = false } = {},
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockGroup(tx, 'volumeGroup:delete', input.id)
    const hasSnapshots = row.snapshots.length > 0
    demand(groupCan.delete({ state: groupStateOf(row), hasSnapshots }), 'groupState')
    if (noVolumes && row.volumes.length > 0)
      throw conflict('The group has volumes. Say that they are to be deleted, too.', 'groupState')
    const volumes = await lockAll(
      tx,
      row.volumes.map(({ id }) => id),
    )
    await setGroup(tx, volumes, null)
    if (input.volumes === 'delete') for (const volume of volumes) await deleteMember(tx, volume)
    await removeGroup(tx, row)
  })
}

async function deleteMember(tx: Ctx, row: VolumeRow): Promise<void> {
  authorize(tx, 'volume:delete', row)
  const allowed = volumeCan.delete({ state: stateOf(row), protected: row.protected })
  const why = allowed === true ? await whyNeeded(tx, row.id) : allowed
  if (why !== null)
    throw conflict(`The volume ${row.name || row.id} cannot be deleted. ${why}`, 'volumeState')
  const fresh = await tx.db.volume.findUniqueOrThrow({ where: { id: row.id }, include: withParts })
  await discardVolume(tx, fresh)
}

/** Deletes the row of a group that has neither volumes nor snapshots, with its quota. */
export async function removeGroup(tx: Ctx, row: GroupRow): Promise<void> {
  await tx.db.volumeGroup.delete({ where: { id: row.id } })
  await releaseQuota(tx, row.projectId, { volumeGroups: 1 })
  await recordOperation(tx, groupHistory('volumeGroup', row, 'delete'))
  await noteGroup(tx, 'volumeGroup', row, 'deleted')
}

const busyGroups = busyAmong('volumeGroup')

/** Sets the state of a group that is stuck, for administrators. Throws conflict while something is being done to the group. */
export async function resetGroup(ctx: Ctx, input: { id: string; to: 'available' | 'error' }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const { id } = await lockGroup(tx, 'volumeGroup:reset_state', input.id)
    if ((await busyGroups(tx, [id])).has(id))
      throw conflict('Something is being done to this group. Wait until that is over.', 'groupState')
    const faultMessage = input.to === 'error' ? 'An administrator has set this state.' : null
    const after = await tx.db.volumeGroup.update({
      where: { id },
      data: { state: input.to, faultMessage },
      include: withVolumes,
    })
    await recordOperation(tx, groupHistory('volumeGroup', after, 'reset_state'))
    await noteGroup(tx, 'volumeGroup', after, 'updated')
  })
}

/**
 * Locks the group in which a new volume of that type is to be. Throws not_found for a group that the caller may not
 * see, conflict for one that takes no such volume. Call this before the volume's own sources are locked.
 */
export async function groupForVolume(tx: Ctx, id: string | undefined): Promise<GroupRow | null> {
  if (id === undefined) return null
  const group = await lockGroup(tx, 'volumeGroup:update', id)
  if (group.projectId !== projectOf(tx)) throw notFound('volume group', id)
  if (group.volumes.length >= mostVolumes) throw invalidInput(`A group has at most ${mostVolumes} volumes.`)
  return group
}

/** Throws conflict when a new volume of that type cannot be in the group. */
export function demandInGroup(group: GroupRow | null, type: { id: string; name: string }): void {
  if (!group) return
  demand(groupCan.grow({ state: groupStateOf(group) }), 'groupState')
  if (!group.volumeTypes.some(({ volumeType }) => volumeType.id === type.id))
    throw conflict(`The group takes no volumes of the type ${type.name}.`, 'groupState')
}
