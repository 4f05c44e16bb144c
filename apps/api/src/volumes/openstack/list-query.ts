import { seesAll } from '../../kernel/context.ts'
import type { Ask, Order, PageAsk } from '../../kernel/page.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { Call } from '../../openstack/operation.ts'
import { pageQuery, type Query, queryText } from '../../openstack/pages.ts'
import { queryBoolean } from '../../openstack/schema.ts'
import type { VolumeWhere } from '../queries.ts'

const noId = '00000000-0000-0000-0000-000000000001'
/** Filters of a list of volumes, each with a value that no volume has. */
export const volumeFilters: Record<string, string> = {
  ...{ name: 'nobody', display_name: 'nobody', status: 'awaiting-transfer', availability_zone: 'mars' },
  ...{ metadata: "{'no': 'thing'}", bootable: 'true' },
}
/** Filters for administrators; Cinder ignores them, and all others, when other callers send them. */
export const adminVolumeFilters: Record<string, string> = {
  ...{ project_id: 'nobody', user_id: 'nobody', id: noId, size: '65000', volume_type_id: noId },
}
/** Words of the query that are no filters. */
export const noFilters: ReadonlySet<string> = new Set([
  ...['limit', 'marker', 'offset', 'sort', 'sort_key', 'sort_dir', 'all_tenants', 'with_count'],
])

/** Returns the list that a query asks for; null for a filter that no volume can fit. Throws 400 where Cinder does. */
export function listQuery(call: Call): Ask<VolumeWhere> | null {
  const { ctx, query } = call
  const where: VolumeWhere = { allProjects: wantsAll(call) }
  const name = queryText(query, 'name') ?? queryText(query, 'display_name')
  if (name !== undefined) where.names = [name]
  const status = queryText(query, 'status')
  if (status !== undefined) where.states = [status]
  where.zone = queryText(query, 'availability_zone')
  where.bootable = bootableOf(query)
  where.metadata = metadataOf(query)
  if (seesAll(ctx) && !takeAdminFilters(query, where)) return null
  return { where, sort: sortOf(query, volumeColumns), page: pageOf(query) }
}

export const isUuid = (text: string) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)

/** Adds the filters of administrators; false for one that no volume can fit. */
function takeAdminFilters(query: Query, where: VolumeWhere): boolean {
  for (const name of Object.keys(query)) {
    const text = queryText(query, name) ?? ''
    if (noFilters.has(name) || Object.hasOwn(volumeFilters, name)) continue
    if (name === 'project_id') where.projectId = text
    else if (name === 'user_id') where.userId = text
    else if (name === 'size' && /^\d{1,6}$/.test(text)) where.sizeGib = Number(text)
    else if (name === 'id' && isUuid(text)) where.ids = [text]
    else if (name === 'volume_type_id' && isUuid(text)) where.typeId = text
    else return false
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
function bootableOf(query: Query): boolean | undefined {
  const text = queryText(query, 'bootable')
  return text === undefined ? undefined : !['', 'False', 'false', 'FALSE'].includes(text)
}

/** Reads a dictionary as Python writes it, {'key': 'value'}, or as JSON. */
export function metadataOf(query: Query): Record<string, string> | undefined {
  const text = queryText(query, 'metadata')
  if (text === undefined) return undefined
  const inside = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1]
  if (inside === undefined) throw noDictionary()
  const entry = /\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*:\s*u?(?:'([^'\\]*)'|"([^"\\]*)")\s*(?:,|$)/y
  const found: [string, string][] = []
  while (inside.slice(entry.lastIndex).trim() !== '') {
    const match = entry.exec(inside)
    if (!match || found.length > 128) throw noDictionary()
    found.push([match[1] ?? match[2] ?? '', match[3] ?? match[4] ?? ''])
  }
  return Object.fromEntries(found)
}
const noDictionary = () =>
  new HttpError(400, "Invalid input received: metadata is a dictionary of texts, such as {'key': 'value'}.")

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
