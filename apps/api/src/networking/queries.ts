import { z } from 'zod'
import { invalidInput, notFound } from '../kernel/errors.ts'
import { type Ask, readPage, type Slice } from '../kernel/page.ts'

/**
 * Lists rows by the fields and the order that a caller asks for, all in SQL: one query for the rows, one for a marker,
 * and one for each relation that is included, whatever the number of rows.
 */
export type Condition = { field: string; any: readonly unknown[] }
export type FindInput = {
  where?: readonly Condition[]
  sort?: readonly { field: string; dir: 'asc' | 'desc' }[]
  limit?: number
  /** The ID of the last row of the page before (with `reverse`: of the first row of the page after). */
  marker?: string
  reverse?: boolean
}
/** For each field a function that makes a where-fragment: it holds for rows whose field has any of the values. */
export type Searchable = Readonly<Record<string, (any: readonly unknown[]) => object>>

/** The conditions that a list of networking's resources can have, at every door. */
export type NetworkingWhere = {
  allProjects?: boolean
  /** The project whose things are listed; only administrators may name another project. */
  projectId?: string
  /** The portal's search: a part of the name or of an address, or the beginning of the ID. */
  search?: string
  /** The conditions of Neutron's clients; all of them must hold. */
  conditions?: readonly Condition[]
  /**
   * Leaves out things that are being deleted: for their owner they are gone already. A failed deletion shows them
   * again.
   */
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
  /** The name of the kind, such as "network", for the error about a marker that no longer exists. */
  kind: string
  searchable: Searchable
  /** A condition for the rows that the caller may see at all (R1). */
  scope: object
  include?: object
  /** Further conditions of the list. */
  also?: readonly object[]
}

/** Returns one page of a list: one query for the rows, one for a marker, and one for each relation that is included. */
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

/** The fields by which Neutron sorts. */
export type Sortable = ReadonlySet<string>
const nullable = new Set(
  ['portId', 'routerId', 'fixedAddress', 'gatewayIp', 'protocol', 'portMin', 'portMax'].concat([
    ...['remoteCidr', 'remoteGroupId'],
  ]),
)

/** Translates the query of a Neutron client. Throws invalid_input for a field by which a list cannot be sorted. */
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
    // Neutron's lists are sorted by the ID, ascending, after all other keys.
    sort: sort.some(({ field }) => field === 'id') ? sort : [...sort, { field: 'id', dir: 'asc' }],
    page: { limit, marker, reverse },
  }
}

/** Finds rows whose column has one of the values; null and "" both find rows without a value. */
export const column =
  (name: string) =>
  (any: readonly unknown[]): object => {
    const values = any.filter((value) => value !== null)
    return any.includes(null)
      ? { OR: [{ [name]: { in: values } }, { [name]: null }] }
      : { [name]: { in: values } }
  }
/** Does the same as `column` for a column of type uuid: a value that is no UUID finds nothing. */
export const uuidColumn =
  (name: string) =>
  (any: readonly unknown[]): object =>
    column(name)(any.filter((value) => value === null || isUuid(value)))
/** A boolean condition: rows for which `holds` is true have the value true. */
export const flag =
  (holds: object) =>
  (any: readonly unknown[]): object => ({
    OR: [...(any.includes(true) ? [holds] : []), ...(any.includes(false) ? [{ NOT: holds }] : [])],
  })

/**
 * Neutron's four filters by tags: `tags` wants all tags, `tags-any` one of them, and two filters deny these. Each value
 * is a list with commas.
 */
const listed = (any: readonly unknown[]) => any.flatMap((value) => String(value).split(','))
export const tagSearch: Searchable = {
  tags: (any) => ({ tags: { hasEvery: listed(any) } }),
  tagsAny: (any) => ({ tags: { hasSome: listed(any) } }),
  notTags: (any) => ({ NOT: { tags: { hasEvery: listed(any) } } }),
  notTagsAny: (any) => ({ NOT: { tags: { hasSome: listed(any) } } }),
}

/** The filters of every resource that has Neutron's standard attributes. */
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
