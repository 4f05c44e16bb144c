import { seesAll } from '../../kernel/context.ts'
import type { Ask } from '../../kernel/page.ts'
import type { Call } from '../../openstack/operation.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import { queryBoolean } from '../../openstack/schema.ts'
import type { SnapshotWhere } from '../snapshots/queries.ts'
import { isUuid } from '../uuid.ts'
import { dictionaryOf, noFilters, pageOf, refuseUnknown, sortOf, wantsAll } from './list-query.ts'

const noId = '00000000-0000-0000-0000-000000000001'
/** Filters of a list of snapshots, each with a value that no snapshot has. */
export const snapshotFilters: Record<string, string> = {
  ...{ name: 'nobody', display_name: 'nobody', status: 'backing-up', volume_id: noId },
  availability_zone: 'mars',
  // Of later microversions.
  ...{ metadata: "{'no': 'thing'}", 'name~': 'nobod', consumes_quota: 'false' },
}
/** The filters that everybody may use from 3.31 on; "name~" stands for both forms. */
export const snapshotResourceFilters: readonly string[] = [
  ...['name~', 'status', 'volume_id', 'metadata', 'availability_zone', 'consumes_quota'],
]
/** Filters for administrators; Cinder ignores them, and all others, when other callers send them. */
export const adminSnapshotFilters: Record<string, string> = {
  ...{ project_id: 'nobody', user_id: 'nobody', id: noId, volume_size: '65000', group_snapshot_id: noId },
}

/** The keys by which snapshots are sorted, as Cinder names them. */
const columns: Readonly<Record<string, string>> = {
  ...{ id: 'id', status: 'state', volume_id: 'volumeId', volume_size: 'sizeGib', size: 'sizeGib' },
  ...{ name: 'name', display_name: 'name', description: 'description', display_description: 'description' },
  ...{ created_at: 'createdAt', updated_at: 'updatedAt', user_id: 'userId', project_id: 'projectId' },
}

/** Returns the list that a query asks for; null for a filter that no snapshot can fit. Throws 400 where Cinder does. */
export function snapshotQuery(call: Call): Ask<SnapshotWhere> | null {
  const { ctx, query, minor } = call
  if (minor >= 31 && !seesAll(ctx)) refuseUnknown(call, snapshotResourceFilters)
  const where: SnapshotWhere = { allProjects: wantsAll(call) }
  const name = queryText(query, 'name') ?? queryText(query, 'display_name')
  if (name !== undefined) where.names = [name]
  const status = queryText(query, 'status')
  if (status !== undefined) where.states = [status]
  where.zone = queryText(query, 'availability_zone')
  if (minor >= 22) where.metadata = dictionaryOf(query, 'metadata')
  if (minor >= 34) where.nameHas = queryText(query, 'name~')
  const volumeId = queryText(query, 'volume_id')
  if (volumeId !== undefined && !isUuid(volumeId)) return null
  where.volumeId = volumeId
  // All snapshots count in the quota.
  const counts = minor >= 65 ? queryText(query, 'consumes_quota') : undefined
  if (counts !== undefined && queryBoolean(query, 'consumes_quota') !== true) return null
  if (seesAll(ctx) && !takeAdminFilters(query, where)) return null
  return { where, sort: sortOf(query, columns), page: pageOf(query) }
}

/** Adds the filters of administrators; false for one that no snapshot can fit. */
function takeAdminFilters(query: Query, where: SnapshotWhere): boolean {
  for (const name of Object.keys(query)) {
    const text = queryText(query, name) ?? ''
    if (noFilters.has(name) || Object.hasOwn(snapshotFilters, name)) continue
    if (name === 'project_id') where.projectId = text
    else if (name === 'user_id') where.userId = text
    else if (name === 'id' && isUuid(text)) where.ids = [text]
    else if (name === 'group_snapshot_id' && isUuid(text)) where.groupSnapshotId = text
    else if (name === 'volume_size' && /^\d{1,6}$/.test(text)) where.sizeGib = Number(text)
    else return false
  }
  return true
}
