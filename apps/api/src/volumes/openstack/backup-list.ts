import { seesAll } from '../../kernel/context.ts'
import type { Ask } from '../../kernel/page.ts'
import type { Call } from '../../openstack/operation.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import { queryBoolean } from '../../openstack/schema.ts'
import type { BackupWhere } from '../backups/queries.ts'
import { isUuid } from '../uuid.ts'
import { noFilters, pageOf, refuseUnknown, sortOf, wantsAll } from './list-query.ts'

const noId = '00000000-0000-0000-0000-000000000001'
/** Filters of a list of backups, each with a value that no backup has. */
export const backupFilters: Record<string, string> = {
  ...{ name: 'nobody', status: 'error_deleting', volume_id: noId },
  // Of a later microversion.
  'name~': 'nobod',
}
/** The filters that everybody may use from 3.31 on; "name~" stands for both forms. */
export const backupResourceFilters: readonly string[] = ['name~', 'status', 'volume_id']
/** Filters for administrators; Cinder ignores them, and all others, when other callers send them. */
export const adminBackupFilters: Record<string, string> = {
  ...{ project_id: 'nobody', user_id: 'nobody', id: noId, snapshot_id: noId, parent_id: noId, size: '65000' },
  ...{ container: 'nothing', is_incremental: 'true', availability_zone: 'mars' },
}

/** The keys by which backups are sorted, as Cinder names them; its client writes display_name for name. */
const columns: Readonly<Record<string, string>> = {
  ...{ display_name: 'name', display_description: 'description' },
  ...{ id: 'id', status: 'state', size: 'sizeGib', volume_id: 'volumeId', name: 'name' },
  ...{ description: 'description', availability_zone: 'zone', data_timestamp: 'dataTimestamp' },
  ...{ created_at: 'createdAt', updated_at: 'updatedAt', user_id: 'userId', project_id: 'projectId' },
}

/** Returns the list that a query asks for; null for a filter that no backup can fit. Throws 400 where Cinder does. */
export function backupQuery(call: Call): Ask<BackupWhere> | null {
  const { ctx, query, minor } = call
  if (minor >= 31 && !seesAll(ctx)) refuseUnknown(call, backupResourceFilters)
  const where: BackupWhere = { allProjects: wantsAll(call) }
  const name = queryText(query, 'name')
  if (name !== undefined) where.names = [name]
  const status = queryText(query, 'status')
  if (status !== undefined) where.states = [status]
  if (minor >= 34) where.nameHas = queryText(query, 'name~')
  const volumeId = queryText(query, 'volume_id')
  if (volumeId !== undefined && !isUuid(volumeId)) return null
  where.volumeId = volumeId
  if (seesAll(ctx) && !takeAdminFilters(query, where)) return null
  return { where, sort: sortOf(query, columns), page: pageOf(query) }
}

/** Adds the filters of administrators; false for one that no backup can fit. */
function takeAdminFilters(query: Query, where: BackupWhere): boolean {
  for (const name of Object.keys(query)) {
    const text = queryText(query, name) ?? ''
    if (noFilters.has(name) || Object.hasOwn(backupFilters, name)) continue
    if (name === 'project_id') where.projectId = text
    else if (name === 'user_id') where.userId = text
    else if (name === 'id' && isUuid(text)) where.ids = [text]
    else if (name === 'snapshot_id' && isUuid(text)) where.snapshotId = text
    else if (name === 'parent_id' && isUuid(text)) where.parentId = text
    else if (name === 'container') where.container = text
    else if (name === 'availability_zone') where.zone = text
    else if (name === 'is_incremental' && queryBoolean(query, name) !== undefined)
      where.isIncremental = queryBoolean(query, name)
    else if (name === 'size' && /^\d{1,6}$/.test(text)) where.sizeGib = Number(text)
    else return false
  }
  return true
}
