import type { Query } from '../../openstack/pages.ts'
import type { Condition, FindInput } from '../queries.ts'
import { badRequest } from './errors.ts'

/** How lists are filtered by an attribute: the field of the room, and how the text in a URL is read. */
type Column = { field: string; as: 'text' | 'nullable' | 'bool' | 'int' | 'lower' }
/**
 * An attribute that has this value for everything: a filter with this value finds everything, a filter with another
 * value nothing, and sorting by the attribute changes nothing.
 */
type Constant = { always: string | boolean }
export type Filter = Column | Constant
/** Every attribute of a resource; null for an attribute by which lists cannot be filtered. */
export type Attributes = Readonly<Record<string, Filter | null>>
/**
 * Filters that are no attributes, such as "fixed_ips": each gets all of its values at once. Undefined lets everything
 * through.
 */
export type Specials = Readonly<Record<string, (values: string[]) => Condition | undefined>>

export const always = (value: string | number | boolean | null): Filter => ({
  always: typeof value === 'boolean' ? value : String(value ?? ''),
})
export const text = (field: string): Filter => ({ field, as: 'text' })
export const nullable = (field: string): Filter => ({ field, as: 'nullable' })
export const bool = (field: string): Filter => ({ field, as: 'bool' })
export const int = (field: string): Filter => ({ field, as: 'int' })
/** The room says "active" where Neutron says "ACTIVE". */
export const status = (field: string): Filter => ({ field, as: 'lower' })

export const projectAttributes: Attributes = { tenant_id: text('projectId'), project_id: text('projectId') }
export const standardAttributes: Attributes = {
  id: text('id'),
  ...projectAttributes,
  description: text('description'),
  revision_number: int('revision'),
  tags: null,
  created_at: null,
  updated_at: null,
}
/** Fields by which a list can be sorted but not filtered. */
const times = new Map([
  ['created_at', 'createdAt'],
  ['updated_at', 'updatedAt'],
])
const tagQueries = new Map([
  ['tags', 'tags'],
  ['tags-any', 'tagsAny'],
  ['not-tags', 'notTags'],
  ['not-tags-any', 'notTagsAny'],
])
export const nothing: Condition = { field: 'id', any: [] }
const paging = new Set(['limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir', 'fields'])
/** The size of a page when the caller names none, and the largest size that a caller may ask for. */
const pageCap = 1000

export const valuesOf = (query: Query, name: string): string[] => [query[name] ?? []].flat()

/** Reads a list's query: filters (any of the values of each), order and page. Throws 400. */
export function findInput(
  attributes: Attributes,
  specials: Specials,
  query: Query,
): FindInput & { limit: number; reverse: boolean } {
  const where: Condition[] = []
  const strange: string[] = []
  for (const name of Object.keys(query)) {
    if (paging.has(name)) continue
    const values = valuesOf(query, name)
    const tag = tagQueries.get(name)
    const special = Object.hasOwn(specials, name) ? specials[name] : undefined
    const filter = Object.hasOwn(attributes, name) ? attributes[name] : null
    if (tag !== undefined && 'tags' in attributes) where.push({ field: tag, any: values })
    else if (name === 'changed_since' && 'updated_at' in attributes) where.push(changedSince(values))
    else if (special) where.push(...[special(values) ?? []].flat())
    else if (filter) where.push(...conditions(name, filter, values))
    else strange.push(name)
  }
  if (strange.length > 0)
    throw badRequest(
      `[${strange.map((name) => `'${name.slice(0, 60)}'`).join(', ')}] is invalid attribute for filtering`,
    )
  return { where, sort: sortOf(attributes, query), ...pageOf(query) }
}

function conditions(name: string, filter: Filter, values: string[]): Condition[] {
  if ('field' in filter)
    return [{ field: filter.field, any: values.map((value) => meant(name, filter, value)) }]
  const { always: there } = filter
  const isIt = (value: string) => (typeof there === 'boolean' ? boolean(name, value) : value) === there
  return values.some(isIt) ? [] : [nothing]
}

/** Neutron wants a change after all of the given times, so the latest one counts; fractions of a second are refused. */
function changedSince(values: string[]): Condition {
  const times = values.map((value) => {
    const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z?$/.exec(value)
    const time = Date.parse(`${parts?.[1]}Z`)
    if (Number.isNaN(time))
      throw badRequest(
        `The input '${value.slice(0, 60)}' of changed_since must be in the following format: YYYY-MM-DDTHH:MM:SS`,
      )
    return time
  })
  return { field: 'changedSince', any: [new Date(Math.max(...times))] }
}

function meant(name: string, { as }: Column, value: string): unknown {
  if (as === 'bool') return boolean(name, value)
  if (as === 'lower') return value.toLowerCase()
  if (as === 'nullable') return value === '' ? null : value
  if (as === 'text') return value
  if (!/^-?\d{1,9}$/.test(value))
    throw badRequest(`Invalid input for ${name}. Reason: '${value.slice(0, 60)}' is not an integer.`)
  return Number(value)
}

const truths = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])
export function boolean(name: string, value: string): boolean {
  const truth = truths.get(value.toLowerCase())
  if (truth === undefined)
    throw badRequest(
      `Invalid input for ${name}. Reason: '${value.slice(0, 60)}' cannot be converted to boolean.`,
    )
  return truth
}

function sortOf(attributes: Attributes, query: Query): NonNullable<FindInput['sort']> {
  const keys = valuesOf(query, 'sort_key')
  const dirs = valuesOf(query, 'sort_dir')
  if (dirs.length > 0 && dirs.length !== keys.length)
    throw badRequest('The number of sort_keys and sort_dirs must be same')
  const fieldOf = (key: string): string | null | undefined => {
    const filter = Object.hasOwn(attributes, key) ? attributes[key] : undefined
    if (filter) return 'field' in filter ? filter.field : null
    return Object.hasOwn(attributes, key) ? times.get(key) : undefined
  }
  const strange = keys.filter((key) => fieldOf(key) === undefined)
  if (strange.length > 0)
    throw badRequest(
      `[${strange.map((key) => `'${key.slice(0, 60)}'`).join(', ')}] is invalid attribute for sort_keys`,
    )
  return keys.flatMap((key, i) => {
    const dir = dirs[i] ?? 'asc'
    if (dir !== 'asc' && dir !== 'desc')
      throw badRequest(
        `'${dir.slice(0, 60)}' is invalid value for sort_dirs, valid value is 'asc' and 'desc'`,
      )
    const field = fieldOf(key)
    return field ? { field, dir } : []
  })
}

function pageOf(query: Query): { limit: number; reverse: boolean; marker?: string } {
  const limit = valuesOf(query, 'limit').at(-1)
  const marker = valuesOf(query, 'marker').at(-1)
  if (limit !== undefined && !/^\d{1,9}$/.test(limit))
    throw badRequest(`Limit must be an integer 0 or greater and not '${limit.slice(0, 60)}'`)
  const reverse = valuesOf(query, 'page_reverse').at(-1)
  return {
    limit: Math.min(Number(limit ?? 0) || pageCap, pageCap),
    reverse: reverse !== undefined && boolean('page_reverse', reverse),
    ...(marker === undefined ? {} : { marker }),
  }
}

type Link = { rel: 'next' | 'previous'; href: string }
/**
 * Returns links to the pages before and after this one by Neutron's rules: a full page has a next one, and only callers
 * who asked for pages, or whose list was too long, get links. Undefined: no links.
 */
export function pageLinks(
  publicUrl: string,
  pathAndQuery: string,
  page: { limit: number; reverse: boolean },
  items: readonly { id?: unknown }[],
): Link[] | undefined {
  const url = new URL(pathAndQuery, 'http://local')
  const [first, last] = [items[0], items.at(-1)]
  const full = items.length >= page.limit
  if (!first || !last || (!url.searchParams.has('limit') && !full)) return undefined
  url.searchParams.delete('page_reverse')
  const href = (marker: unknown, more = '') => {
    url.searchParams.set('marker', String(marker))
    return `${publicUrl}${url.pathname}?${url.searchParams.toString()}${more}`
  }
  const links: Link[] = []
  if (full || page.reverse) links.push({ rel: 'next', href: href(last.id) })
  if (full || !page.reverse) links.push({ rel: 'previous', href: href(first.id, '&page_reverse=True') })
  return links
}
