import { z } from 'zod'
import { invalidInput, notFound } from '../kernel/errors.ts'
import { type Ask, readPage, type Slice } from '../kernel/page.ts'

/**
 * Lists by whatever fields and order a caller asks for, everything in SQL: the rows in one query
 * (one more for a marker, and one for each relation that is included), whatever their number.
 */
export type Condition = { field: string; any: readonly unknown[] }
export type FindInput = {
  where?: readonly Condition[]
  sort?: readonly { field: string; dir: 'asc' | 'desc' }[]
  limit?: number
  /** Id of the last row of the page before (with `reverse`: of the first row of the page after). */
  marker?: string
  reverse?: boolean
}
/** Field → where-fragment that holds for rows of which the field is any of the values. */
export type Searchable = Readonly<Record<string, (any: readonly unknown[]) => object>>

/** What a list of networking may be narrowed to, by whichever door. */
export type NetworkingWhere = {
  allProjects?: boolean
  /** What belongs to one project; of another one's than the caller's only for those who see the whole cloud. */
  projectId?: string
  /** The portal's word: part of the name or address, or the beginning of the id. */
  search?: string
  /** Neutron's, all of which hold. */
  conditions?: readonly Condition[]
  /** Without what is going: it has been deleted as far as its owner knows; a failure brings it back. */
  lasting?: boolean
}

const isUuid = (value: unknown): boolean => z.uuid().safeParse(value).success

export const conditionsOf = (searchable: Searchable, conditions: readonly Condition[] = []): object[] =>
  conditions.map(({ field, any }) => {
    const condition = searchable[field]
    if (!condition) throw invalidInput(`${field} is nothing to look for.`, field)
    return condition(any)
  })

export type FindIn = {
  /** "network", for the sentence about a marker that is gone. */
  kind: string
  searchable: Searchable
  /** What the caller may see at all (R1). */
  scope: object
  include?: object
  /** What else narrows the list. */
  also?: readonly object[]
}

/** A part of a list; the rows in one query, one for a marker, and one for each relation that is included. */
export const queryRows = <Row extends { id: string }>(
  table: unknown,
  { kind, searchable, scope, include, also = [] }: FindIn,
  { where, sort, page }: Ask<NetworkingWhere>,
): Promise<Slice<Row>> =>
  readPage<Row>(table, {
    where: { AND: [scope, ...also, ...conditionsOf(searchable, where.conditions)] },
    sort,
    page,
    include,
    markerWithin: scope,
    unknownMarker: (marker) => notFound(kind, marker),
  })

/** Fields by which Neutron sorts, and whether they may be empty. */
export type Sortable = ReadonlySet<string>
const nullable = new Set(
  ['portId', 'routerId', 'fixedAddress', 'gatewayIp', 'protocol', 'portMin', 'portMax'].concat([
    ...['remoteCidr', 'remoteGroupId'],
  ]),
)

/** What Neutron's clients ask of a list. Throws invalid_input for a field that is nothing to sort by. */
export function neutronAsk<W extends NetworkingWhere>(
  sortable: Sortable,
  input: FindInput,
  where: W,
): Ask<W & NetworkingWhere> {
  const sort = (input.sort ?? []).map(({ field, dir }) => {
    if (!sortable.has(field)) throw invalidInput(`${field} is nothing to sort by.`, field)
    return { field, dir, nullable: nullable.has(field) }
  })
  const { limit = Number.POSITIVE_INFINITY, marker, reverse } = input
  return {
    where: { ...where, conditions: input.where },
    // Neutron's lists end in the id, ascending, whatever they are sorted by.
    sort: sort.some(({ field }) => field === 'id') ? sort : [...sort, { field: 'id', dir: 'asc' }],
    page: { limit, marker, reverse },
  }
}

/** A column that is one of the values; null and "" both find what has none. */
export const column =
  (name: string) =>
  (any: readonly unknown[]): object => {
    const values = any.filter((value) => value !== null)
    return any.includes(null)
      ? { OR: [{ [name]: { in: values } }, { [name]: null }] }
      : { [name]: { in: values } }
  }
/** The same for a column of type uuid: what is no uuid finds nothing. */
export const uuidColumn =
  (name: string) =>
  (any: readonly unknown[]): object =>
    column(name)(any.filter((value) => value === null || isUuid(value)))
/** `holds` where the field is true. */
export const flag =
  (holds: object) =>
  (any: readonly unknown[]): object => ({
    OR: [...(any.includes(true) ? [holds] : []), ...(any.includes(false) ? [{ NOT: holds }] : [])],
  })

/** tags: all of them; tags-any: one of them; and both denied. Each value is a list with commas. */
const listed = (any: readonly unknown[]) => any.flatMap((value) => String(value).split(','))
export const tagSearch: Searchable = {
  tags: (any) => ({ tags: { hasEvery: listed(any) } }),
  tagsAny: (any) => ({ tags: { hasSome: listed(any) } }),
  notTags: (any) => ({ NOT: { tags: { hasEvery: listed(any) } } }),
  notTagsAny: (any) => ({ NOT: { tags: { hasSome: listed(any) } } }),
}

/** What every resource with standard attributes can be found by. */
export const standardSearch: Searchable = {
  id: uuidColumn('id'),
  projectId: column('projectId'),
  name: column('name'),
  description: column('description'),
  revision: column('revision'),
  changedSince: ([time]) => ({ updatedAt: { gte: time } }),
  ...tagSearch,
}
export const standardSort = ['id', 'name', 'projectId', 'createdAt', 'updatedAt', 'description', 'revision']
