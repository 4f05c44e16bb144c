/**
 * A place in a sorted list, said by the values of a row and not by the row itself: it is the same place when the row
 * has been changed or deleted. Empty values (null) count as greater than all others, as PostgreSQL sorts them.
 */
export type SortField = {
  /** The column; "host.name" is a column of the row that `host` leads to. */
  field: string
  dir: 'asc' | 'desc'
  /** The column may be empty. */
  nullable?: boolean
}
export type Order = readonly SortField[]
type Value = string | number | bigint | boolean | Date | null
/** The values of a row in the fields of the order. */
export type Place = readonly Value[]
/** A where-fragment of Prisma. */
export type Where = Record<string, unknown>

/** The order with the id as its last field, so that no two rows are equal in it. */
export function totalOrder(order: Order): Order {
  const id = order.findIndex(({ field }) => field === 'id')
  if (id >= 0) return order.slice(0, id + 1)
  return [...order, { field: 'id', dir: order.at(-1)?.dir ?? 'desc' }]
}

const turned = (dir: 'asc' | 'desc') => (dir === 'asc' ? 'desc' : 'asc')
export const backwards = (order: Order): Order => order.map((one) => ({ ...one, dir: turned(one.dir) }))

export const orderBy = (order: Order): object[] => order.map(({ field, dir }) => nested(field, dir))

function nested(field: string, value: unknown): Where {
  const [first = '', ...rest] = field.split('.')
  return { [first]: rest.length === 0 ? value : nested(rest.join('.'), value) }
}

/** What rows must include so that their places can be told. */
export function includeOf(order: Order): Where {
  const related = order.map(({ field }) => field.split('.')).filter((path) => path.length === 2)
  return Object.fromEntries(
    related.map(([relation, column = '']) => [relation, { select: { [column]: true } }]),
  )
}

export function placeOf(row: object, order: Order): Place {
  return order.map(({ field }) => {
    const value = field
      .split('.')
      .reduce<unknown>((at, part) => (at === null ? null : (at as Where)[part]), row)
    if (value === undefined)
      throw new Error(`The rows of this list come without “${field}”, by which it is sorted.`)
    return value as Value
  })
}

/** The rows after a place, and with `orAt` also a row that is exactly there. */
export function after(order: Order, place: Place, orAt = false): Where {
  const keys = order.map((key, index) => ({ ...key, value: place[index] ?? null }))
  const branches = keys.flatMap((key, index) => {
    const beyond = beyondKey(key)
    return beyond === null ? [] : [{ AND: [...keys.slice(0, index).map(same), beyond] }]
  })
  if (orAt) branches.push({ AND: keys.map(same) })
  // The bound follows from the rest: with it PostgreSQL begins to read an index at the place.
  return { AND: [bound(keys[0]), { OR: branches }] }
}

/** The row that is exactly there. */
export const exactly = (order: Order, place: Place): Where => ({
  AND: order.map((key, index) => same({ ...key, value: place[index] ?? null })),
})

type Key = SortField & { value: Value }

/** Times of columns may be finer than the thousandths of a second that a Date has: all of one count as the same. */
const tick = (value: Date): Where => ({ gte: value, lt: next(value) })
const next = (value: Date): Date => new Date(value.getTime() + 1)

const isNull = (field: string): Where => nested(field.split('.', 1)[0] ?? '', null)
const isNotNull = (field: string): Where =>
  field.includes('.') ? nested(field.split('.', 1)[0] ?? '', { isNot: null }) : { [field]: { not: null } }

function same({ field, value }: Key): Where {
  if (value === null) return isNull(field)
  return nested(field, value instanceof Date ? tick(value) : value)
}

/** Rows whose value comes later in the order; null: none can. */
function beyondKey({ field, dir, nullable, value }: Key): Where | null {
  if (value === null) return dir === 'asc' ? null : isNotNull(field)
  const beyond = beyondValue(value, dir)
  const fragment = beyond === null ? null : nested(field, beyond)
  if (dir === 'desc' || !nullable) return fragment
  return fragment === null ? isNull(field) : { OR: [fragment, isNull(field)] }
}

function beyondValue(value: Exclude<Value, null>, dir: 'asc' | 'desc'): unknown {
  // Prisma compares no booleans; false is the smaller.
  if (typeof value === 'boolean') return value === (dir === 'desc') ? !value : null
  if (value instanceof Date) return dir === 'asc' ? { gte: next(value) } : { lt: value }
  return dir === 'asc' ? { gt: value } : { lt: value }
}

function bound(first: Key | undefined): Where {
  if (!first || first.value === null || typeof first.value === 'boolean') return {}
  const { field, dir, nullable, value } = first
  if (dir === 'asc') return nullable ? {} : nested(field, { gte: value })
  return nested(field, value instanceof Date ? { lt: next(value) } : { lte: value })
}
