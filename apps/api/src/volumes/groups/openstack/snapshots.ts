import { z } from 'zod'
import { type Field, micros, shape } from '../../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../../openstack/operation.ts'
import { queryText } from '../../../openstack/pages.ts'
import { inner } from '../../../openstack/schema.ts'
import { at } from '../../openstack/at.ts'
import { pageOf, sortOf } from '../../openstack/list-query.ts'
import { pageBody } from '../../openstack/page-body.ts'
import { isUuid } from '../../uuid.ts'
import { type GroupSnapshotView, groupSnapshotCreateInput } from '../contract.ts'
import {
  createGroupSnapshot,
  deleteGroupSnapshot,
  findGroupSnapshots,
  getGroupSnapshot,
  resetGroupSnapshot,
} from '../snapshots.ts'
import { adminFilters, columns, commonFilters, stateToSet } from './groups.ts'

const summary: Field<GroupSnapshotView>[] = [
  { name: 'id', of: ({ id }) => id },
  { name: 'name', of: ({ name }) => name || null },
  { name: 'group_type_id', of: ({ groupTypeId }) => groupTypeId },
]
const fields: Field<GroupSnapshotView>[] = [
  ...summary,
  { name: 'group_id', of: ({ group }) => group.id },
  { name: 'status', of: ({ state }) => state },
  { name: 'created_at', of: ({ createdAt }) => micros(createdAt) },
  { name: 'description', of: ({ description }) => description || null },
  { name: 'project_id', since: 58, of: ({ projectId }) => projectId },
]

async function list(call: Call, shown: readonly Field<GroupSnapshotView>[]): Promise<object> {
  const where = commonFilters(call, {
    table: ['name~', 'status', 'group_id'],
    admin: { group_type_id: 'typeId' },
  })
  const groupId = queryText(call.query, 'group_id')
  if (where === null || (groupId !== undefined && !isUuid(groupId))) return { group_snapshots: [] }
  where.groupId = groupId
  const ask = { where, sort: sortOf(call.query, columns), page: pageOf(call.query) }
  const { snapshots, more } = await findGroupSnapshots(call.ctx, ask)
  const here = at(call)
  const bodies = snapshots.map((one) => shape(shown, one, here))
  return pageBody(call, 'group_snapshots', bodies, { more, lastId: snapshots.at(-1)?.id, count: null })
}

const text = z.string().max(255, 'is too long').nullish()
const creation = z.strictObject({ group_id: z.uuid('is not a uuid'), name: text, description: text })

async function create(call: Call): Promise<object> {
  const wish = inner(call, 'group_snapshot', creation)
  const input = groupSnapshotCreateInput.parse({
    ...{ groupId: wish.group_id, name: wish.name ?? '', description: wish.description ?? '' },
  })
  return { group_snapshot: shape(summary, await createGroupSnapshot(call.ctx, input), at(call)) }
}

const snapshotOf = ({ params }: Call) => ({ id: params.group_snapshot_id ?? '' })
const noId = '00000000-0000-0000-0000-000000000001'
const lists = {
  method: 'GET',
  since: 14,
  status: 200,
  access: 'list',
  filters: { name: 'nobody', 'name~': 'nobod', status: 'restoring', group_id: noId },
  adminFilters: { ...adminFilters, group_type_id: noId },
} as const
const item = { path: '/group_snapshots/:group_snapshot_id', since: 14 } as const

export const groupSnapshotOperations: ApiOperation[] = [
  {
    ...lists,
    name: 'group_snapshots.list',
    path: '/group_snapshots',
    summary: 'List group snapshots',
    handle: (call) => list(call, summary),
  },
  {
    ...lists,
    name: 'group_snapshots.detail',
    path: '/group_snapshots/detail',
    summary: 'List group snapshots with details',
    handle: (call) => list(call, fields),
  },
  {
    name: 'group_snapshots.create',
    method: 'POST',
    path: '/group_snapshots',
    since: 14,
    summary: 'Keep what all volumes of a group contain',
    status: 202,
    access: 'write',
    except: { systemReader: 'forbidden' },
    deviation:
      'The volumes that one server has are kept at one instant, those of several servers one server after the other.',
    handle: create,
  },
  {
    ...item,
    name: 'group_snapshots.get',
    method: 'GET',
    summary: 'Show a group snapshot',
    status: 200,
    access: 'read',
    handle: async (call) => ({
      group_snapshot: shape(fields, await getGroupSnapshot(call.ctx, snapshotOf(call)), at(call)),
    }),
  },
  {
    ...item,
    name: 'group_snapshots.delete',
    method: 'DELETE',
    summary: 'Delete a group snapshot with the snapshots of its volumes',
    status: 202,
    access: 'write',
    handle: (call) => deleteGroupSnapshot(call.ctx, snapshotOf(call)),
  },
  {
    name: 'group_snapshots.reset_status',
    method: 'POST',
    path: '/group_snapshots/:group_snapshot_id/action',
    action: 'reset_status',
    since: 19,
    summary: 'Set the status of a group snapshot that is stuck',
    status: 202,
    access: 'admin',
    except: { stranger: 'not_found' },
    deviation:
      'The status is available or error. Refused while something is being done to the group snapshot.',
    handle: (call) =>
      resetGroupSnapshot(call.ctx, { ...snapshotOf(call), to: stateToSet(call, 'group snapshot') }),
  },
]
