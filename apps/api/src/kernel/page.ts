import { Prisma } from '@stratolith/db'
import type { Page, PageInput } from './contract.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { isOfForeignForm } from './database-errors.ts'
import { invalidInput } from './errors.ts'
import {
  after,
  backwards,
  exactly,
  includeOf,
  type Order,
  orderBy,
  type Place,
  placeOf,
  totalOrder,
} from './keyset.ts'

export type { Order } from './keyset.ts'

type Delegate<Row> = {
  findMany(args: object): Promise<Row[]>
  findFirst(args: object): Promise<object | null>
  count(args: object): Promise<number>
}

/** Where-fragment: the field has `text` in it, in any case. LIKE's own characters count as themselves. */
export const containing = (text: string) => ({
  contains: likeLiteral(text),
  mode: 'insensitive' as const,
})
/** For startsWith and endsWith, which Prisma hands to LIKE as they are. */
export const likeLiteral = (text: string): string => text.replace(/[\\%_]/g, '\\$&')

/** The beginning of an id is looked for from so many letters on: fewer are in half of all words. */
const shortestId = 4
/** Where-fragments for what people type into a list's search: part of a text, or the beginning of the id. */
export function found(text: string, field = 'name'): object[] {
  const digits = text.replaceAll('-', '').toLowerCase()
  const isId = digits.length >= shortestId && text.length <= 36 && /^[\da-f]{1,32}$/.test(digits)
  const id = (filler: string) =>
    digits.padEnd(32, filler).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return [{ [field]: containing(text) }, ...(isId ? [{ id: { gte: id('0'), lte: id('f') } }] : [])]
}

/**
 * A list that has no pages, read with `take: most + 1`. It is never cut: when there are more, it is
 * refused with the number and the way to them.
 */
export function whole<Row>(rows: Row[], most: number, way: string): Row[] {
  if (rows.length > most) throw invalidInput(`There are more than ${most}. ${way}`)
  return rows
}

/** Rows are counted up to this number; of a longer list it is said that there are more. */
export const countedUpTo = 1_000

/** Which part of a list is asked for: from its beginning, from a cursor, or beside a row (OpenStack's marker). */
export type PageAsk = {
  limit: number
  /** `next` or `previous` of another page of the same list in the same order. */
  cursor?: string
  /** The id of the last row of the page before; with `reverse` of the first row of the page after. */
  marker?: string
  reverse?: boolean
  /** How many rows to pass over, as OpenStack's `offset` says; not together with a cursor. */
  skip?: number
  /** Say how many rows there are, and which of them is the first of the page. */
  counted?: boolean
}
/** What a room's query function is asked: which rows, in which order, and which part of them. */
export type Ask<W> = { where: W; sort: Order; page: PageAsk }

/** A part of a list. The cursors are null where the list begins and ends. */
export type Slice<Row> = {
  rows: Row[]
  next: string | null
  previous: string | null
  /** Zero unless it was asked for. */
  count: Pick<Page<Row>, 'total' | 'atLeast' | 'first'>
}

type Reading = {
  where: object
  sort: Order
  page: PageAsk
  include?: object
  omit?: object
  /** Where the row of a marker must be found; the same as `where` unless it is said. */
  markerWithin?: object
  /** OpenStack's services each have their sentence for a marker that names no row. */
  unknownMarker?: (marker: string) => Error
}

export const lostMarker = () =>
  invalidInput('The marker of this page is gone. Start again at the first page.', 'marker')

/**
 * A page of a table in any order. Two queries from the beginning, at most four from elsewhere, whatever the size of the
 * page and of the table; one more where the list has become shorter than the place that was asked for.
 */
export async function readPage<Row extends object>(table: unknown, reading: Reading): Promise<Slice<Row>> {
  const delegate = table as Delegate<Row>
  const sort = totalOrder(reading.sort)
  const from = await beginningOf(delegate, { ...reading, sort })
  const { limit, counted, cursor } = reading.page
  const read = (at: From, most: number) =>
    rowsAt(delegate, { ...reading, sort }, at, most).catch(orLost(cursor))
  const [found, total] = await Promise.all([
    read(from, limit + 1),
    counted ? delegate.count({ where: reading.where, take: countedUpTo + 1 }) : 0,
  ])
  const { rows, more, at } = await withinList(found, from, limit, reading.page, read)
  const [first, last] = [rows[0], rows.at(-1)]
  const isBeginning = at.place === null && !at.before
  const before =
    counted && !isBeginning && first ? await countBefore(delegate, reading.where, sort, first) : 0
  const place = (row: Row, isBefore: boolean) =>
    writeCursor(sort, { place: placeOf(row, sort), before: isBefore })
  const ahead = at.before ? at.place !== null : more
  const behind = at.before ? more : at.place !== null && (!counted || before > 0)
  return {
    rows,
    next: ahead && last ? place(last, false) : null,
    previous: behind && first ? place(first, true) : null,
    count: {
      total: Math.min(total, countedUpTo),
      atLeast: total > countedUpTo,
      first: first && before < countedUpTo ? before + 1 : null,
    },
  }
}

/**
 * `row`: the id of a row that is there, beside which PostgreSQL finds the place by itself. Otherwise the place counts,
 * in which times are as fine as a Date's.
 */
type From = { place: Place | null; row: string | null; before: boolean; orAt: boolean }
const start: From = { place: null, row: null, before: false, orAt: false }

async function beginningOf(delegate: Delegate<object>, { page, sort, ...reading }: Reading): Promise<From> {
  const { cursor: word, marker, reverse = false } = page
  if (word !== undefined) {
    const cursor = readCursor(sort, word)
    if (!cursor) throw lostMarker()
    const from = { ...start, ...cursor }
    const row = needsRow(sort, cursor.place)
      ? await rowAt(delegate, { AND: [reading.where, exactly(sort, cursor.place)] }, sort).catch(orLost(word))
      : null
    return row ? { ...from, row: String(cursor.place.at(-1)) } : from
  }
  if (marker === undefined) return { ...start, before: reverse }
  const within = reading.markerWithin ?? reading.where
  const row = await rowAt(delegate, { AND: [within, { id: marker }] }, sort).catch((error: unknown) => {
    if (isOfForeignForm(error)) return null
    throw error
  })
  if (!row) throw reading.unknownMarker?.(marker) ?? lostMarker()
  const place = placeOf(row, sort)
  return { place, row: needsRow(sort, place) ? marker : null, before: reverse, orAt: false }
}

/** Prisma, which knows times exactly in its own cursor alone, loses rows there when a column may be empty. */
const needsRow = (sort: Order, place: Place): boolean =>
  place.some((value) => value instanceof Date) && !sort.some(({ nullable }) => nullable)

const rowAt = (delegate: Delegate<object>, where: object, sort: Order): Promise<object | null> =>
  delegate.findFirst({ where, include: included(sort, {}) })

function included(sort: Order, include: object): object | undefined {
  const all = { ...includeOf(sort), ...include }
  return Object.keys(all).length === 0 ? undefined : all
}

/** In the order of the list; read towards its beginning when they lie before the place. */
async function rowsAt<Row>(
  delegate: Delegate<Row>,
  { where, sort, page, include = {}, omit }: Reading,
  { place, row, before, orAt }: From,
  take: number,
): Promise<Row[]> {
  const direction = before ? backwards(sort) : sort
  const includes = included(sort, include)
  const conditions =
    row === null
      ? place === null
        ? []
        : [after(direction, place, orAt)]
      : orAt
        ? []
        : [{ id: { not: row } }]
  const rows = await delegate.findMany({
    where: conditions.length === 0 ? where : { AND: [where, ...conditions] },
    orderBy: orderBy(direction),
    ...(Number.isFinite(take) ? { take } : {}),
    ...(row === null ? {} : { cursor: { id: row } }),
    ...(page.skip === undefined ? {} : { skip: page.skip }),
    ...(includes === undefined ? {} : { include: includes }),
    ...(omit === undefined ? {} : { omit }),
  })
  return before ? rows.reverse() : rows
}

type Part<Row> = { rows: Row[]; more: boolean; at: From }

/**
 * Rows go away while people turn pages: what is less than a page towards the beginning becomes the first page, and
 * nothing at all after a place becomes the last page. OpenStack's clients get what they asked for.
 */
async function withinList<Row>(
  found: Row[],
  from: From,
  limit: number,
  page: PageAsk,
  read: (at: From, limit: number) => Promise<Row[]>,
): Promise<Part<Row>> {
  const cut = (rows: Row[], at: From): Part<Row> => {
    const more = rows.length > limit
    return { rows: more ? (at.before ? rows.slice(1) : rows.slice(0, limit)) : rows, more, at }
  }
  if (page.cursor === undefined) return cut(found, from)
  if (from.before && found.length < limit) return cut(await read(start, limit + 1), start)
  if (from.before || found.length > 0) return cut(found, from)
  const last = cut(await read({ ...from, before: true, orAt: true }, limit + 1), { ...from, before: true })
  // Nothing follows it.
  return { ...last, at: { ...start, before: true } }
}

/** A cursor that somebody made up may have values that no row can have. */
const orLost = (cursor: string | undefined) => (error: unknown) => {
  const isOfValues = isOfForeignForm(error) || error instanceof Prisma.PrismaClientValidationError
  throw cursor !== undefined && isOfValues ? lostMarker() : error
}

const countBefore = (delegate: Delegate<object>, where: object, sort: Order, first: object) =>
  delegate.count({
    where: { AND: [where, after(backwards(sort), placeOf(first, sort))] },
    take: countedUpTo + 1,
  })

/** By what a list of the portal can be sorted: its words, and the fields that each is about. */
export type Sortable = Readonly<Record<string, readonly Omit<Order[number], 'dir'>[]>>

/** "name" or "-name" as an order. Throws invalid_input for a word that the list does not know. */
export function orderOf(sortable: Sortable, sort: string | undefined, otherwise: Order): Order {
  if (sort === undefined) return otherwise
  const word = sort.replace(/^-/, '')
  const fields = Object.hasOwn(sortable, word) ? sortable[word] : undefined
  if (!fields) throw invalidInput(`This list cannot be sorted by “${word}”.`, 'sort')
  return fields.map((field) => ({ ...field, dir: sort.startsWith('-') ? 'desc' : 'asc' }))
}

/** What the portal asks of every list, as an order and a part of it. */
export function askOf(
  input: Pick<PageInput, 'limit' | 'marker' | 'sort' | 'sortDir'>,
  sortable: Sortable,
  otherwise: Order = [{ field: 'createdAt', dir: input.sortDir }],
): { sort: Order; page: PageAsk } {
  return {
    sort: orderOf(sortable, input.sort, otherwise),
    page: { limit: input.limit, cursor: input.marker, counted: true },
  }
}

/** A part of a list as the portal gets it. */
export const pageView = <T>(
  { next, previous, count }: Omit<Slice<unknown>, 'rows'>,
  items: T[],
): Page<T> => ({
  items,
  next,
  previous,
  ...count,
})

/** By what every named thing can be sorted. */
export const byName: Sortable = { name: [{ field: 'name' }], createdAt: [{ field: 'createdAt' }] }

/** The rows with these ids in the order of the ids, without those that have been deleted since the ids were read. */
export function inOrder<Row extends { id: string }>(ids: readonly string[], rows: readonly Row[]): Row[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}
