import { HttpError } from '../../openstack/errors.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import { imageStates, imageVisibilities, memberStatuses } from '../contract.ts'
import type { ImageFilter, ImageSortField } from '../service.ts'
import { anyOf, boolean, instants, number } from './query-values.ts'

/** Glance's page sizes: 25 by default, never more than 1000. */
const defaultLimit = 25
const maxLimit = 1000
/** Most custom properties that one list may be filtered by (R6). */
const maxPropertyFilters = 20

const sortKeys: Record<string, ImageSortField> = {
  name: 'name',
  status: 'state',
  container_format: 'containerFormat',
  disk_format: 'diskFormat',
  visibility: 'visibility',
  size: 'sizeBytes',
  virtual_size: 'virtualBytes',
  min_disk: 'minDiskGib',
  min_ram: 'minRamMib',
  owner: 'projectId',
  protected: 'protected',
  id: 'id',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
}
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

type Reader = (query: Query, name: string) => Partial<ImageFilter>
const one = (query: Query, name: string) => queryText(query, name) ?? ''

/** The filter that each query parameter sets; any other name is a custom property. */
const readers: Record<string, Reader> = {
  limit: () => ({}),
  sort: () => ({}),
  sort_key: () => ({}),
  sort_dir: () => ({}),
  marker: (query, name) => ({ marker: markerOf(one(query, name)) }),
  id: (query, name) => ({ ids: anyOf(one(query, name)).filter((id) => uuid.test(id)) }),
  name: (query, name) => ({ names: anyOf(one(query, name)) }),
  status: (query, name) => {
    const asked = anyOf(one(query, name))
    return { states: imageStates.filter((state) => asked.includes(state)) }
  },
  disk_format: (query, name) => ({ diskFormats: anyOf(one(query, name)) }),
  container_format: (query, name) => ({ containerFormats: anyOf(one(query, name)) }),
  owner: (query, name) => ({ projectIds: [one(query, name)] }),
  visibility: (query, name) => ({ visibility: word(query, name, [...imageVisibilities, 'all']) }),
  member_status: (query, name) => ({ memberStatus: word(query, name, [...memberStatuses, 'all']) }),
  tag: (query, name) => ({ tags: tagsOf(query[name]) }),
  protected: (query, name) => ({ protected: boolean(name, one(query, name)) }),
  os_hidden: (query, name) => ({ hidden: boolean(name, one(query, name)) }),
  size: () => ({}),
  size_min: () => ({}),
  size_max: () => ({}),
  virtual_size: (query, name) => ({ virtualBytes: exactly(one(query, name)) }),
  min_disk: (query, name) => ({ minDiskGib: { equals: number(name, one(query, name)) } }),
  min_ram: (query, name) => ({ minRamMib: { equals: number(name, one(query, name)) } }),
  checksum: (query, name) => ({ checksumMd5: one(query, name) }),
  os_hash_algo: (query, name) => ({ hashed: one(query, name) === 'sha512' }),
  os_hash_value: (query, name) => ({ sha512: one(query, name) }),
  created_at: (query, name) => ({ createdAt: instants(name, one(query, name)) }),
  updated_at: (query, name) => ({ updatedAt: instants(name, one(query, name)) }),
  description: (query, name) => ({ description: one(query, name) }),
}
const unfilterable = new Set('tags self file schema stores locations direct_url changes-since'.split(' '))
/** Filters of a list of images, each with a value that no image has. */
export const imageFilters: Record<string, string> = {
  ...{ id: '00000000-0000-0000-0000-000000000001', name: 'nothing', status: 'nothing', owner: 'nobody' },
  ...{ disk_format: 'nothing', container_format: 'nothing', visibility: 'community', tag: 'nothing' },
  ...{ protected: 'true', os_hidden: 'true', size: '7', size_min: '999999999999', size_max: '0' },
  ...{ virtual_size: '7', min_disk: '12345', min_ram: '12345', checksum: '0', os_hash_algo: 'md5' },
  ...{ os_hash_value: '0', created_at: 'lt:2001-01-01T00:00:00Z', updated_at: 'gt:2999-01-01T00:00:00Z' },
  ...{ description: 'nothing', some_property: 'nothing' },
}

/** Translates the query of GET /v2/images to the filter of the service. Throws 400 for values that have no meaning. */
export function imageFilter(query: Query): ImageFilter {
  const filter: ImageFilter = { orderBy: orderOf(query), limit: limitOf(query), ...sizesOf(query) }
  const properties: Record<string, string> = {}
  for (const name of Object.keys(query)) {
    if (unfilterable.has(name)) throw new HttpError(400, `Images cannot be filtered by ${name}.`)
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (reader) Object.assign(filter, reader(query, name))
    else properties[name] = one(query, name)
  }
  if (Object.keys(properties).length > maxPropertyFilters)
    throw new HttpError(400, `At most ${maxPropertyFilters} properties can be asked for at once.`)
  return { ...filter, properties }
}

function limitOf(query: Query): number {
  const text = queryText(query, 'limit')
  if (text === undefined) return defaultLimit
  if (!/^\d{1,9}$/.test(text)) throw new HttpError(400, 'limit must be a whole number that is not negative.')
  return Math.min(Number(text), maxLimit)
}

function markerOf(text: string): string {
  if (!uuid.test(text)) throw new HttpError(400, 'marker must be the id of an image.')
  return text.toLowerCase()
}

function sizesOf(query: Query): Partial<ImageFilter> {
  const [min, max] = [queryText(query, 'size_min'), queryText(query, 'size_max')]
  const size = queryText(query, 'size')
  if (min === undefined && max === undefined && size === undefined) return {}
  return {
    sizeBytes: {
      ...(size === undefined ? {} : exactly(size)),
      ...(min === undefined ? {} : { gte: BigInt(number('size_min', min)) }),
      ...(max === undefined ? {} : { lte: BigInt(number('size_max', max)) }),
    },
  }
}

/** The filter for an exact size; text that is no number matches no image, and is no error (as in Glance). */
const exactly = (text: string) => ({ equals: /^\d{1,16}$/.test(text) ? BigInt(text) : -1n })

function tagsOf(value: string | string[] | undefined): string[] {
  const tags = value === undefined ? [] : Array.isArray(value) ? value : [value]
  if (tags.length > 128) throw new HttpError(400, 'At most 128 tags can be asked for at once.')
  return tags.map((tag) => tag.trim())
}

function word<const T extends string>(query: Query, name: string, words: readonly T[]): T {
  const found = words.find((one) => one === queryText(query, name))
  if (found === undefined) throw new HttpError(400, `${name} must be one of ${words.join(', ')}.`)
  return found
}

/** Reads sort=name:asc,size or sort_key and sort_dir; each may be repeated, but the two forms exclude each other. */
function orderOf(query: Query): ImageFilter['orderBy'] {
  const sort = queryText(query, 'sort')
  const [keys, dirs] = [all(query.sort_key), all(query.sort_dir)]
  if (sort !== undefined) {
    if (keys.length + dirs.length > 0)
      throw new HttpError(400, 'sort cannot be combined with sort_key and sort_dir.')
    return ordered(
      sort.split(',').map((part) => {
        const [key = '', dir = 'desc'] = part.split(':')
        return { key: key.trim(), dir: dir.trim() }
      }),
    )
  }
  if (dirs.length > 1 && dirs.length !== keys.length)
    throw new HttpError(400, 'The number of sort_dir does not match the number of sort_key.')
  const used = keys.length === 0 ? ['created_at'] : keys
  return ordered(used.map((key, i) => ({ key, dir: dirs[i] ?? dirs[0] ?? 'desc' })))
}

function ordered(asked: { key: string; dir: string }[]): ImageFilter['orderBy'] {
  const order: ImageFilter['orderBy'] = []
  for (const { key, dir } of asked.slice(0, 16)) {
    const field = Object.hasOwn(sortKeys, key) ? sortKeys[key] : undefined
    if (field === undefined)
      throw new HttpError(400, `Images are sorted by one of ${Object.keys(sortKeys).join(', ')}.`)
    if (dir !== 'asc' && dir !== 'desc') throw new HttpError(400, 'A sort direction is asc or desc.')
    if (!order.some((before) => before.field === field)) order.push({ field, dir })
  }
  return order
}

const all = (value: string | string[] | undefined): string[] =>
  (value === undefined ? [] : Array.isArray(value) ? value : [value]).map((text) => text.trim())
