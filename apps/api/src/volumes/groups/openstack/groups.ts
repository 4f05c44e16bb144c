import { z } from 'zod'
import { seesAll } from '../../../kernel/context.ts'
import { HttpError } from '../../../openstack/errors.ts'
import { type Field, micros, shape } from '../../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../../openstack/operation.ts'
import { queryText } from '../../../openstack/pages.ts'
import { boolean, inner, parse, queryBoolean } from '../../../openstack/schema.ts'
import { at } from '../../openstack/at.ts'
import { noFilters, pageOf, refuseUnknown, sortOf, wantsAll } from '../../openstack/list-query.ts'
import { pageBody } from '../../openstack/page-body.ts'
import { isUuid } from '../../uuid.ts'
import { groupCreateInput, groupFromInput, groupUpdateInput, type VolumeGroupView } from '../contract.ts'
import type { GroupWhere } from '../queries.ts'
import {
  createGroup,
  deleteGroup,
  demandChangeable,
  findGroups,
  getGroup,
  resetGroup,
  updateGroup,
} from '../service.ts'
import { createGroupFrom } from '../snapshots.ts'

type Shown = VolumeGroupView & { withVolumes: boolean }
const summary: Field<Shown>[] = [
  { name: 'id', of: ({ id }) => id },
  { name: 'name', of: ({ name }) => name || null },
]
const fields: Field<Shown>[] = [
  ...summary,
  { name: 'status', of: ({ state }) => state },
  { name: 'availability_zone', of: ({ zone }) => zone },
  { name: 'created_at', of: ({ createdAt }) => micros(createdAt) },
  { name: 'description', of: ({ description }) => description || null },
  { name: 'group_type', of: ({ type }) => type.id },
  { name: 'volume_types', of: ({ volumeTypes }) => volumeTypes.map(({ id }) => id) },
  { name: 'group_snapshot_id', since: 14, of: ({ groupSnapshotId }) => groupSnapshotId },
  { name: 'source_group_id', since: 14, of: ({ sourceGroupId }) => sourceGroupId },
  {
    name: 'volumes',
    since: 25,
    of: ({ volumes, withVolumes }) => (withVolumes ? volumes.map(({ id }) => id) : undefined),
  },
  { name: 'replication_status', since: 38, of: () => 'disabled' },
  { name: 'project_id', since: 58, of: ({ projectId }) => projectId },
]

export const columns = { id: 'id', name: 'name', status: 'state', created_at: 'createdAt' }

function withVolumes({ query, minor }: Call): boolean {
  if (minor < 25 || queryText(query, 'list_volume') === undefined) return false
  const wish = queryBoolean(query, 'list_volume')
  if (wish === undefined) throw new HttpError(400, 'Invalid value for list_volume: it is true or false.')
  return wish
}

const noId = '00000000-0000-0000-0000-000000000001'
/** The filters for administrators that both lists have. */
export const adminFilters: Record<string, string> = { project_id: 'nobody', user_id: 'nobody', id: noId }
type Admins = 'typeId' | 'zone' | 'groupSnapshotId' | 'sourceGroupId'
const groupColumns: Record<string, Admins> = {
  ...{ group_type: 'typeId', group_type_id: 'typeId', availability_zone: 'zone' },
  ...{ group_snapshot_id: 'groupSnapshotId', source_group_id: 'sourceGroupId' },
}

/**
 * The filters that lists of groups and of group snapshots have in common. `table`: those that everybody may use; `admin`:
 * further columns for administrators. Null for a filter that nothing can fit.
 */
export function commonFilters(
  call: Call,
  { table, admin }: { table: readonly string[]; admin: Readonly<Record<string, Admins>> },
): GroupWhere | null {
  const { ctx, query, minor } = call
  if (minor >= 31 && !seesAll(ctx)) refuseUnknown(call, table)
  const where: GroupWhere = { allProjects: wantsAll(call) }
  const name = queryText(query, 'name')
  if (name !== undefined) where.names = [name]
  if (minor >= 34) where.nameHas = queryText(query, 'name~')
  const status = queryText(query, 'status')
  if (status !== undefined) where.states = [status]
  const known = new Set([...noFilters, ...table, ...table.map((one) => one.replace('~', ''))])
  for (const column of seesAll(ctx) ? Object.keys(query) : []) {
    const text = queryText(query, column) ?? ''
    const of = Object.hasOwn(admin, column) ? admin[column] : undefined
    if (known.has(column)) continue
    if (column === 'project_id') where.projectId = text
    else if (column === 'user_id') where.userId = text
    else if (column === 'id' && isUuid(text)) where.ids = [text]
    else if (of !== undefined && (of === 'zone' || isUuid(text))) where[of] = text
    else return null
  }
  return where
}

async function list(call: Call, shown: readonly Field<Shown>[]): Promise<object> {
  const isShown = withVolumes(call)
  const where = commonFilters(call, { table: ['name~', 'status'], admin: groupColumns })
  if (where === null) return { groups: [] }
  const ask = { where, sort: sortOf(call.query, columns), page: pageOf(call.query) }
  const { groups, more } = await findGroups(call.ctx, ask)
  const here = at(call)
  const bodies = groups.map((group) => shape(shown, { ...group, withVolumes: isShown }, here))
  return pageBody(call, 'groups', bodies, { more, lastId: groups.at(-1)?.id, count: null })
}

const text = z.string().max(255, 'is too long').nullish()
const creation = z.strictObject({
  name: text,
  description: text,
  group_type: z.string().min(1).max(255),
  volume_types: z.array(z.string().min(1).max(255)).min(1, 'must name at least one').max(100),
  availability_zone: text,
})
const made = (call: Call, group: VolumeGroupView) => ({
  group: shape(summary, { ...group, withVolumes: false }, at(call)),
})

async function create(call: Call): Promise<object> {
  const wish = inner(call, 'group', creation)
  const input = groupCreateInput.parse({
    ...{ name: wish.name ?? '', description: wish.description ?? '', type: wish.group_type },
    ...{ volumeTypes: wish.volume_types, zone: wish.availability_zone || undefined },
  })
  return made(call, await createGroup(call.ctx, input))
}

const uuid = z.uuid('is not a uuid').nullish()
const fromSource = z.strictObject({
  ...{ name: text, description: text, group_snapshot_id: uuid, source_group_id: uuid },
})

async function createFrom(call: Call): Promise<object> {
  const wish = parse(fromSource, call.body)
  const input = groupFromInput.parse({
    ...{ name: wish.name ?? '', description: wish.description ?? '' },
    groupSnapshotId: wish.group_snapshot_id ?? undefined,
    groupId: wish.source_group_id ?? undefined,
  })
  return made(call, await createGroupFrom(call.ctx, input))
}

/** Clients send the ids with commas between them. */
const ids = z
  .string()
  .max(4_000)
  .nullish()
  .transform((list) => (list ?? '').split(',').filter(Boolean))
  .refine(
    (list) => list.every((id) => z.uuid().safeParse(id).success),
    'Each must be the ID of a volume, with commas between them',
  )
const change = z.strictObject({ name: text, description: text, add_volumes: ids, remove_volumes: ids })

async function update(call: Call): Promise<void> {
  const wish = inner(call, 'group', change)
  const { add_volumes: add, remove_volumes: remove } = wish
  if (wish.name == null && wish.description == null && add.length === 0 && remove.length === 0)
    throw new HttpError(400, 'Name, description, add_volumes, and remove_volumes can not be all empty.')
  const words = { name: wish.name ?? undefined, description: wish.description ?? undefined }
  await updateGroup(call.ctx, groupUpdateInput.parse({ ...groupOf(call), ...words, add, remove }))
}

const deletion = z.strictObject({ 'delete-volumes': boolean.nullish() })

/** Unless its volumes are to go, too, Cinder deletes only a group that has none. */
async function remove(call: Call): Promise<void> {
  const withAll = parse(deletion, call.body)['delete-volumes'] === true
  const input = { ...groupOf(call), volumes: withAll ? ('delete' as const) : ('keep' as const) }
  await deleteGroup(call.ctx, input, { noVolumes: !withAll })
}

export const reset = z.strictObject({ status: z.string().max(255) })
export function stateToSet(call: Call, noun: string): 'available' | 'error' {
  const status = parse(reset, call.body).status.toLowerCase()
  if (status === 'available' || status === 'error') return status
  throw new HttpError(400, `The status of a ${noun} can be set to available and error, and to nothing else.`)
}

async function refuseReplication(call: Call): Promise<never> {
  await demandChangeable(call.ctx, groupOf(call))
  throw new HttpError(400, 'Invalid group type: no group of this cloud is replicated to another place.')
}

const groupOf = ({ params }: Call) => ({ id: params.group_id ?? '' })
const lists = {
  method: 'GET',
  since: 13,
  status: 200,
  access: 'list',
  filters: { name: 'nobody', 'name~': 'nobod', status: 'updating' },
  adminFilters: {
    ...{ ...adminFilters, group_type: noId, group_type_id: noId, availability_zone: 'mars' },
    ...{ group_snapshot_id: noId, source_group_id: noId },
  },
} as const
const item = { path: '/groups/:group_id', since: 13 } as const
const action = { path: '/groups/:group_id/action', method: 'POST', status: 202, access: 'write' } as const
const replication = (key: string, summaryText: string): ApiOperation => ({
  ...{ ...action, status: 400, name: `groups.${key}`, action: key, since: 38, summary: summaryText },
  deviation: 'Refused (400): nothing is replicated.',
  handle: refuseReplication,
})

export const groupCollectionOperations: ApiOperation[] = [
  {
    ...lists,
    name: 'groups.list',
    path: '/groups',
    summary: 'List groups of volumes',
    handle: (call) => list(call, summary),
  },
  {
    ...lists,
    name: 'groups.detail',
    path: '/groups/detail',
    summary: 'List groups of volumes with details',
    handle: (call) => list(call, fields),
  },
  {
    name: 'groups.create',
    method: 'POST',
    path: '/groups',
    since: 13,
    summary: 'Make a group for volumes of some types',
    status: 202,
    access: 'create',
    deviation: 'The group is available at once.',
    handle: create,
  },
  {
    name: 'groups.create-from-src',
    method: 'POST',
    path: '/groups/action',
    action: 'create-from-src',
    since: 14,
    summary: 'Make a group with copies of the volumes of a group snapshot or of a group',
    status: 202,
    access: 'create',
    deviation:
      'The volumes of a group are copied one after the other; those of a group snapshot belong together. The new volumes are named by the group and the volume from which they come, where Cinder gives them no name.',
    handle: createFrom,
  },
  {
    ...item,
    name: 'groups.get',
    method: 'GET',
    summary: 'Show a group of volumes',
    status: 200,
    access: 'read',
    handle: async (call) => {
      const shown = { ...(await getGroup(call.ctx, groupOf(call))), withVolumes: withVolumes(call) }
      return { group: shape(fields, shown, at(call)) }
    },
  },
  {
    ...item,
    name: 'groups.update',
    method: 'PUT',
    summary: 'Change a group, add volumes to it and take others out',
    status: 202,
    access: 'write',
    handle: update,
  },
  {
    ...{ ...action, name: 'groups.delete', action: 'delete', since: 13 },
    summary: 'Delete a group, also with its volumes',
    deviation: 'The group is gone at once; its volumes can be taken back as single ones can.',
    handle: remove,
  },
  {
    ...{ ...action, name: 'groups.reset_status', action: 'reset_status', since: 20, access: 'admin' },
    except: { stranger: 'not_found' },
    summary: 'Set the status of a group that is stuck',
    deviation: 'The status is available or error. Refused while something is being done to the group.',
    handle: (call) => resetGroup(call.ctx, { ...groupOf(call), to: stateToSet(call, 'group') }),
  },
  replication('enable_replication', 'Replicate a group (refused)'),
  replication('disable_replication', 'Replicate a group no more (refused)'),
  replication('failover_replication', 'Let the replica of a group take over (refused)'),
  replication('list_replication_targets', 'List the places of replicas of a group (refused)'),
]
