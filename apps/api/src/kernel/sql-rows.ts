import { Prisma } from '@stratolith/db'
import type { Ctx } from './context.ts'
import type { Where } from './keyset.ts'

/** What a page asks of a table: the language of keyset.ts, which is a small part of Prisma's. */
type Args = { where?: Where; orderBy?: readonly object[]; take?: number; cursor?: object }

/**
 * The rows of a statement as a table for readPage, where Prisma has no table for a list: joins, sums and recursion.
 * `from` is a SELECT with a column for each field of the list's orders, `id` among them, which has its conditions
 * already. No field is a time, which a page compares more coarsely than PostgreSQL keeps it: give its microseconds.
 */
export const rowsOfSql = <Row>({ db }: Pick<Ctx, 'db'>, from: Prisma.Sql) => ({
  async findMany({ where = {}, orderBy = [], take, cursor }: Args): Promise<Row[]> {
    if (cursor !== undefined) throw new Error('A list by rowsOfSql is not sorted by a time.')
    return db.$queryRaw<Row[]>`
      SELECT f.* FROM (${from}) f WHERE ${condition(where)}
      ${orderBy.length === 0 ? Prisma.empty : Prisma.sql`ORDER BY ${Prisma.join(orderBy.map(direction))}`}
      ${limit(take)}`
  },
  findFirst: async ({ where = {} }: Args): Promise<Row | null> => {
    const [row] = await db.$queryRaw<Row[]>`SELECT f.* FROM (${from}) f WHERE ${condition(where)} LIMIT 1`
    return row ?? null
  },
  count: async ({ where = {}, take }: Args): Promise<number> => {
    const [row] = await db.$queryRaw<{ count: number }[]>`
      SELECT COUNT(*)::int AS "count" FROM (SELECT FROM (${from}) f WHERE ${condition(where)} ${limit(take)}) counted`
    return row?.count ?? 0
  },
})

const limit = (take: number | undefined) => (take === undefined ? Prisma.empty : Prisma.sql`LIMIT ${take}`)

const column = (field: string): Prisma.Sql => Prisma.raw(`f."${field.replaceAll('"', '""')}"`)

function direction(order: object): Prisma.Sql {
  const [[field, way] = ['', '']] = Object.entries(order)
  return way === 'desc' ? Prisma.sql`${column(field)} DESC` : Prisma.sql`${column(field)} ASC`
}

/** A where-fragment of keyset.ts as SQL. */
function condition(where: Where): Prisma.Sql {
  const parts = Object.entries(where).map(([key, value]) => {
    if (key === 'AND') return joined(value as Where[], ' AND ', Prisma.sql`TRUE`)
    if (key === 'OR') return joined(value as Where[], ' OR ', Prisma.sql`FALSE`)
    return comparison(column(key), value)
  })
  return parts.length === 0 ? Prisma.sql`TRUE` : Prisma.join(parts, ' AND ')
}

const joined = (wheres: readonly Where[], word: string, none: Prisma.Sql): Prisma.Sql =>
  wheres.length === 0 ? none : Prisma.sql`(${Prisma.join(wheres.map(condition), word)})`

const operators: Record<string, string> = { gt: '>', gte: '>=', lt: '<', lte: '<=', not: '<>' }

function comparison(at: Prisma.Sql, value: unknown): Prisma.Sql {
  if (value === null) return Prisma.sql`${at} IS NULL`
  if (typeof value !== 'object' || value instanceof Date) return Prisma.sql`${at} = ${value}`
  const parts = Object.entries(value).map(([word, operand]) => {
    if (word === 'not' && operand === null) return Prisma.sql`${at} IS NOT NULL`
    const operator = operators[word]
    if (operator === undefined) throw new Error(`rowsOfSql does not know the comparison “${word}”.`)
    return Prisma.sql`${at} ${Prisma.raw(operator)} ${operand}`
  })
  return Prisma.join(parts, ' AND ')
}
