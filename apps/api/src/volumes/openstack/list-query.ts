import { seesAll } from '../../kernel/context.ts'
import type { Ask, Order, PageAsk } from '../../kernel/page.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { Call } from '../../openstack/operation.ts'
import { pageQuery, type Query, queryText } from '../../openstack/pages.ts'
import { queryBoolean } from '../../openstack/schema.ts'
import type { TimeFilter, VolumeWhere } from '../queries.ts'
import { isUuid } from '../uuid.ts'

const noId = '00000000-0000-0000-0000-000000000001'
/** Filters of a list of volumes, each with a value that no volume has. */
export const volumeFilters: Record<string, string> = {
  ...{ name: 'nobody', display_name: 'nobody', status: 'error_managing', availability_zone: 'mars' },
  ...{ metadata: "{'no': 'thing'}", bootable: 'true' },
  // Of later microversions.
  ...{
    'name~': 'nobod',
    group_id: noId,
    size: '65000',
    migration_status: 'success',
    consumes_quota: 'false',
  },
  ...{ created_at: 'gt:2200-01-01T00:00:00', updated_at: 'gt:2200-01-01T00:00:00' },
}
/**
 * Filters for administrators. Cinder ignores them, and all others that it does not know, when other callers send them;
 * from 3.31 on it refuses them.
 */
export const adminVolumeFilters: Record<string, string> = {
  ...{ project_id: 'nobody', user_id: 'nobody', id: noId, volume_type_id: noId, volume_type: 'nothing' },
  ...{ snapshot_id: noId, source_volid: noId, multiattach: 'true', encryption_key_id: noId, host: 'nowhere' },
  glance_metadata: "{'image_name': 'nothing'}",
}
/** Words of the query that are no filters. */
export const noFilters: ReadonlySet<string> = new Set([
  ...['limit', 'marker', 'offset', 'sort', 'sort_key', 'sort_dir', 'all_tenants', 'with_count'],
  'list_volume',
])
/** The filters that everybody may use from 3.31 on, as GET /resource_filters lists them; "name~" stands for both forms. */
export const resourceFilters: readonly string[] = [
  ...['name~', 'status', 'metadata', 'bootable', 'migration_status', 'availability_zone', 'group_id', 'size'],
  ...['created_at', 'updated_at', 'consumes_quota'],
]

/** Returns the list that a query asks for; null for a filter that no volume can fit. Throws 400 where Cinder does. */
export function listQuery(call: Call): Ask<VolumeWhere> | null {
  const { ctx, query, minor } = call
  if (minor >= 31 && !seesAll(ctx)) refuseUnknown(call, resourceFilters)
  const where: VolumeWhere = { allProjects: wantsAll(call) }
  const name = queryText(query, 'name') ?? queryText(query, 'display_name')
  if (name !== undefined) where.names = [name]
  const status = queryText(query, 'status')
  if (status !== undefined) where.status = status
  where.zone = queryText(query, 'availability_zone')
  where.bootable = bootableOf(query, minor)
  where.metadata = dictionaryOf(query, 'metadata')
  if (!takeLaterFilters(call, where) || (seesAll(ctx) && !takeAdminFilters(call, where))) return null
  return { where, sort: sortOf(query, volumeColumns), page: pageOf(query) }
}

/** Refuses filters that nobody knows, and name~ before 3.34. */
export function refuseUnknown({ query, minor }: Call, table: readonly string[]): void {
  const exact = table.map((name) => name.replace('~', ''))
  const known = new Set([...exact, ...(minor >= 34 ? table : [])])
  const unknown = Object.keys(query).filter((name) => !noFilters.has(name) && !known.has(name))
  if (unknown.length > 0)
    throw new HttpError(400, `Invalid filters ${unknown.join(',').slice(0, 200)} are found in query options.`)
}

/** Adds the filters that later microversions have brought; false for one that no volume can fit. */
function takeLaterFilters({ query, minor, ctx }: Call, where: VolumeWhere): boolean {
  const text = (name: string, since: number) => (minor >= since ? queryText(query, name) : undefined)
  where.nameHas = text('name~', 34)
  const size = minor >= 31 || seesAll(ctx) ? queryText(query, 'size') : undefined
  if (size !== undefined && !/^\d{1,6}$/.test(size)) return false
  where.sizeGib = size === undefined ? undefined : Number(size)
  where.createdAt = times('created_at', text('created_at', 60))
  where.updatedAt = times('updated_at', text('updated_at', 60))
  const groupId = text('group_id', 10)
  if (groupId !== undefined && !isUuid(groupId)) return false
  where.groupId = groupId
  where.migrationStatus = text('migration_status', 31)
  // All volumes count in the quota.
  return text('consumes_quota', 65) === undefined || queryBoolean(query, 'consumes_quota') === true
}

const comparisons = { gt: 'gt', gte: 'gte', eq: 'equals', neq: 'not', lt: 'lt', lte: 'lte' } as const
/** Reads "gt:2026-01-01T00:00:00,lt:2026-02-01"; a time alone is one that is equal. */
function times(name: string, text: string | undefined): TimeFilter[] | undefined {
  if (text === undefined) return undefined
  const parts = text.split(',')
  if (parts.length > 8) throw new HttpError(400, `The filter ${name} takes at most 8 times.`)
  return parts.map((part) => {
    const [, word = 'eq', time = ''] = /^(?:(\w{2,3}):)?(.*)$/s.exec(part.trim()) ?? []
    const comparison = Object.hasOwn(comparisons, word) ? comparisons[word as keyof typeof comparisons] : null
    const at = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(time) || !time.includes('T') ? time : `${time}Z`)
    if (
      comparison === null ||
      !/^\d{4}-\d\d-\d\d/.test(time) ||
      Number.isNaN(at.getTime()) ||
      at.getUTCFullYear() < 1 ||
      at.getUTCFullYear() > 9999
    )
      throw new HttpError(400, `Filters by '${name}' should be specified as operator and time.`)
    return { [comparison]: at }
  })
}

/** The columns of volumes that hold ids, as Cinder names them. */
const idColumns = {
  volume_type_id: 'typeId',
  snapshot_id: 'snapshotId',
  source_volid: 'sourceVolumeId',
  encryption_key_id: 'keyId',
} as const

/** Adds the filters of administrators; false for one that no volume can fit. */
function takeAdminFilters({ query, minor }: Call, where: VolumeWhere): boolean {
  for (const name of Object.keys(query)) {
    const text = queryText(query, name) ?? ''
    if (noFilters.has(name) || Object.hasOwn(volumeFilters, name)) continue
    if (name === 'project_id') where.projectId = text
    else if (name === 'user_id') where.userId = text
    else if (name === 'id' && isUuid(text)) where.ids = [text]
    else if (Object.hasOwn(idColumns, name) && isUuid(text))
      where[idColumns[name as keyof typeof idColumns]] = text
    else if (name === 'volume_type') where.type = text
    // "host@backend#pool": the name of a pool of ours is the part before #.
    else if (name === 'host') where.pool = text.split('#', 1)[0]
    else if (name === 'multiattach' && queryBoolean(query, name) !== undefined)
      where.multiattach = queryBoolean(query, name)
    else if (name === 'glance_metadata' && minor >= 4) {
      const { image_id: imageId, image_name: imageName, ...rest } = dictionaryOf(query, name) ?? {}
      if (imageId !== undefined && !isUuid(imageId)) return false
      Object.assign(where, { imageId, imageName, imageMetadata: rest })
    } else return false
  }
  return true
}

/** Callers who see everything list all projects when they ask for that, and when their token has no project. */
export function wantsAll({ ctx, query }: Call): boolean {
  const text = queryText(query, 'all_tenants')
  const wish = text === undefined ? false : queryBoolean(query, 'all_tenants')
  if (wish === undefined) throw new HttpError(400, 'Invalid value for all_tenants: it is true or false.')
  return seesAll(ctx) && (wish || ctx.scope.kind !== 'project')
}

/** Until 3.1 every text but "false" counts as true. */
function bootableOf(query: Query, minor: number): boolean | undefined {
  const text = queryText(query, 'bootable')
  if (text !== undefined && minor >= 2) {
    const wish = queryBoolean(query, 'bootable')
    if (wish === undefined) throw new HttpError(400, 'bootable can only be True or False.')
    return wish
  }
  return text === undefined ? undefined : !['', 'False', 'false', 'FALSE'].includes(text)
}

/** Reads a dictionary as Python writes it, {'key': 'value'}, or as JSON. */
export function dictionaryOf(query: Query, name: string): Record<string, string> | undefined {
  const text = queryText(query, name)
  if (text === undefined) return undefined
  const inside = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1]
  if (inside === undefined) throw noDictionary(name)
  const entry = /\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*:\s*u?(?:'([^'\\]*)'|"([^"\\]*)")\s*(?:,|$)/y
  const found: [string, string][] = []
  while (inside.slice(entry.lastIndex).trim() !== '') {
    const match = entry.exec(inside)
    if (!match || found.length > 128) throw noDictionary(name)
    found.push([match[1] ?? match[2] ?? '', match[3] ?? match[4] ?? ''])
  }
  return Object.fromEntries(found)
}
const noDictionary = (name: string) =>
  new HttpError(400, `Invalid input received: ${name} is a dictionary of texts, such as {'key': 'value'}.`)

/** The keys by which volumes are sorted, as Cinder names them. */
const volumeColumns: Readonly<Record<string, string>> = {
  ...{ id: 'id', status: 'state', size: 'sizeGib', availability_zone: 'zone', bootable: 'bootable' },
  ...{ name: 'name', display_name: 'name', description: 'description', display_description: 'description' },
  ...{ created_at: 'createdAt', updated_at: 'updatedAt', user_id: 'userId', project_id: 'projectId' },
  volume_type_id: 'typeId',
}

/** Reads `sort=name:asc,size`, or sort_key and sort_dir; newest first when the query says nothing. */
export function sortOf(query: Query, columns: Readonly<Record<string, string>>): Order {
  const sort = queryText(query, 'sort')
  const [key, dir] = [queryText(query, 'sort_key'), queryText(query, 'sort_dir')]
  if (sort !== undefined && (key !== undefined || dir !== undefined))
    throw new HttpError(
      400,
      "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.",
    )
  const words = (sort ?? `${key || 'created_at'}:${dir || 'desc'}`)
    .split(',')
    .filter((word) => word.trim() !== '')
  if (words.length > 8) throw new HttpError(400, 'A list is sorted by at most 8 keys.')
  return (words.length === 0 ? ['created_at'] : words).map((word) => {
    const [name = '', direction = 'desc'] = word.trim().split(':')
    const field = Object.hasOwn(columns, name) ? columns[name] : undefined
    if (field === undefined || (direction !== 'asc' && direction !== 'desc'))
      throw new HttpError(400, `Invalid input received: invalid sort ${word.slice(0, 50)}.`)
    return { field, dir: direction }
  })
}

export function pageOf(query: Query): PageAsk {
  const offset = queryText(query, 'offset')
  if (offset !== undefined && !/^\d{1,9}$/.test(offset))
    throw new HttpError(400, 'offset must be a whole number that is not negative.')
  const { limit, marker } = pageQuery(query)
  return {
    limit: queryText(query, 'limit') === '0' ? 0 : limit,
    ...(marker === undefined ? {} : { marker }),
    ...(offset === undefined ? {} : { skip: Number(offset) }),
  }
}
