import { Prisma } from '@stratolith/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Deps } from './context.ts'
import { writeCursor } from './cursor.ts'
import { CloudError } from './errors.ts'
import { totalOrder } from './keyset.ts'
import { type Order, readPage, type Slice } from './page.ts'
import { rowsOfSql } from './sql-rows.ts'
import { testCtx, testDeps } from './testing.ts'

let deps: Deps
let close: () => Promise<void>
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
})
afterAll(() => close())

type Row = { id: string; share: number; word: string | null; wanted: boolean }
/** Rows of no table, with ties in every column, thirds that no decimal number has, and empty words. */
const made = Prisma.sql`
  SELECT 'r' || lpad(n::text, 2, '0') AS "id", (n % 4)::float8 / 3 AS "share", n % 2 = 0 AS "wanted",
    CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN 'a"b' ELSE 'c' END AS "word"
  FROM generate_series(1, 13) n`

const orders: Order[] = [
  [{ field: 'share', dir: 'asc' }],
  [{ field: 'share', dir: 'desc' }],
  [{ field: 'word', dir: 'asc', nullable: true }],
  [
    { field: 'word', dir: 'desc', nullable: true },
    { field: 'share', dir: 'desc' },
  ],
  [{ field: 'wanted', dir: 'desc' }],
  [{ field: 'id', dir: 'asc' }],
]

test.each(orders.map((order) => [order.map(({ field, dir }) => `${field} ${dir}`).join(), order] as const))(
  'a list by %s is walked there and back, and each row is met once',
  async (_name, sort) => {
    const rows = rowsOfSql<Row>(await testCtx(deps), made)
    const read = (cursor?: string): Promise<Slice<Row>> =>
      readPage<Row>(rows, { where: {}, sort, page: { limit: 3, cursor, counted: true } })
    const whole = await readPage<Row>(rows, { where: {}, sort, page: { limit: 50 } })
    const ids = whole.rows.map(({ id }) => id)
    expect(new Set(ids).size).toBe(13)

    const there: string[] = []
    let page = await read()
    for (;;) {
      expect(page.count).toEqual({ total: 13, atLeast: false, first: there.length + 1 })
      there.push(...page.rows.map(({ id }) => id))
      if (page.next === null) break
      page = await read(page.next)
    }
    expect(there).toEqual(ids)
    const back = page.rows.map(({ id }) => id)
    while (page.previous !== null) {
      page = await read(page.previous)
      back.unshift(...page.rows.map(({ id }) => id))
    }
    expect(back).toEqual(ids)
  },
)

test('a cursor that somebody made up is lost, or leads to another place of the list', async () => {
  const rows = rowsOfSql<Row>(await testCtx(deps), made)
  const values = ['x', '1e999', '', 1.5, 2147483647, true, null, new Date(0), 10n ** 17n]
  for (const sort of orders.map(totalOrder))
    for (const value of values)
      for (const before of [false, true]) {
        const cursor = writeCursor(sort, { place: sort.map(() => value), before })
        const page = readPage<Row>(rows, { where: {}, sort, page: { limit: 3, cursor, counted: true } })
        const said = await page.then(
          () => 'a page',
          (error: unknown) => (error instanceof CloudError ? error.code : String(error)),
        )
        expect(['a page', 'invalid_input'], `${JSON.stringify(sort)} ${value}`).toContain(said)
      }
})

test('a comparison that the pages of a list do not use is refused, and so is Prisma’s cursor', async () => {
  const rows = rowsOfSql<Row>(await testCtx(deps), made)
  await expect(rows.findMany({ where: { word: { contains: 'a' } } })).rejects.toThrow(/comparison “contains”/)
  await expect(rows.findMany({ cursor: { id: 'r01' } })).rejects.toThrow(/not sorted by a time/)
})
