import { z } from 'zod'
import { invalidInput, notFound } from '../kernel/errors.ts'

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

type Delegate<Row> = {
  findMany(args: object): Promise<Row[]>
  findFirst(args: object): Promise<{ id: string } | null>
}
export type FindIn = {
  /** "network", for the sentence about a marker that is gone. */
  kind: string
  searchable: Searchable
  sortable: ReadonlySet<string>
  /** What the caller may see at all (R1). */
  scope: object
  include?: object
}

const isUuid = (value: unknown): boolean => z.uuid().safeParse(value).success

export async function findRows<Row extends { id: string }>(
  table: unknown,
  from: FindIn,
  input: FindInput,
): Promise<Row[]> {
  const delegate = table as Delegate<Row>
  const where = {
    AND: [
      from.scope,
      ...(input.where ?? []).map(({ field, any }) => {
        const condition = from.searchable[field]
        if (!condition) throw invalidInput(`${field} is nothing to look for.`, field)
        return condition(any)
      }),
    ],
  }
  const sort = (input.sort ?? []).map(({ field, dir }) => {
    if (!from.sortable.has(field)) throw invalidInput(`${field} is nothing to sort by.`, field)
    return { [field]: dir }
  })
  const { marker } = input
  if (marker !== undefined) {
    const known = isUuid(marker)
      ? await delegate.findFirst({ where: { AND: [from.scope, { id: marker }] }, select: { id: true } })
      : null
    if (!known) throw notFound(from.kind, marker)
  }
  return delegate.findMany({
    where,
    orderBy: [...sort, ...(input.sort?.some((s) => s.field === 'id') ? [] : [{ id: 'asc' }])],
    ...(input.limit === undefined ? {} : { take: input.reverse ? -input.limit : input.limit }),
    ...(marker === undefined ? {} : { cursor: { id: marker }, skip: 1 }),
    ...(from.include ? { include: from.include } : {}),
  })
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
