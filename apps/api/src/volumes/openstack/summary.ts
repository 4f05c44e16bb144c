import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { summaryOfVolumes } from '../summary.ts'
import { backupResourceFilters } from './backup-list.ts'
import { resourceFilters, wantsAll } from './list-query.ts'
import { snapshotResourceFilters } from './snapshot-list.ts'

async function summary(call: Call): Promise<object> {
  const hasMetadata = call.minor >= 36
  const { count, sizeGib, metadata } = await summaryOfVolumes(call.ctx, {
    allProjects: wantsAll(call),
    hasMetadata,
  })
  return {
    'volume-summary': {
      ...{ total_size: sizeGib, total_count: count },
      ...(hasMetadata ? { metadata: Object.fromEntries(metadata) } : {}),
    },
  }
}

/** The filters of each kind of things, as the lists take them. */
const filters: Readonly<Record<string, readonly string[]>> = {
  volume: resourceFilters,
  snapshot: snapshotResourceFilters,
  backup: backupResourceFilters,
  attachment: ['volume_id', 'status', 'instance_id', 'attach_status'],
  group: ['name~'],
  group_snapshot: ['name~', 'status', 'group_id'],
  pool: ['name', 'volume_type'],
  volume_type: ['is_public', 'extra_specs'],
  message: ['resource_uuid', 'resource_type', 'event_id', 'request_id', 'message_level'],
}

function tableOfFilters({ query }: Call): object {
  const resource = queryText(query, 'resource')
  return {
    resource_filters: Object.entries(filters)
      .filter(([name]) => resource === undefined || name === resource)
      .map(([name, keys]) => ({ resource: name, filters: keys })),
  }
}

export const summaryOperations: ApiOperation[] = [
  {
    name: 'volumes.summary',
    method: 'GET',
    path: '/volumes/summary',
    since: 12,
    summary: 'Count the volumes of the project',
    status: 200,
    access: 'list',
    handle: summary,
  },
  {
    name: 'resource_filters.list',
    method: 'GET',
    path: '/resource_filters',
    since: 33,
    summary: 'List the filters of lists',
    status: 200,
    access: 'anyone',
    handle: tableOfFilters,
  },
]
