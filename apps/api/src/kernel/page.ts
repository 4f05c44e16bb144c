import type { Page, PageInput } from './contract.ts'
import { isOfForeignForm } from './database-errors.ts'
import { invalidInput } from './errors.ts'

type Delegate<Row> = {
  findMany(args: object): Promise<Row[]>
  findFirst(args: object): Promise<{ id: string } | null>
  count(args: object): Promise<number>
}

/** Where-fragment: the field has `text` in it, in any case. LIKE's own characters count as themselves. */
export const containing = (text: string) => ({
  contains: likeLiteral(text),
  mode: 'insensitive' as const,
})
/** For startsWith and endsWith, which Prisma hands to LIKE as they are. */
export const likeLiteral = (text: string): string => text.replace(/[\\%_]/g, '\\$&')

/**
 * A list that has no pages, read with `take: most + 1`. It is never cut: when there are more, it is
 * refused with the number and the way to them.
 */
export function whole<Row>(rows: Row[], most: number, way: string): Row[] {
  if (rows.length > most) throw invalidInput(`There are more than ${most}. ${way}`)
  return rows
}

/**
 * One page of a table, newest first by default, in three queries whatever its size: the marker's
 * existence (within the same filter: R1), the rows by cursor, the count. `orderBy` ends in id.
 */
export async function pageOf<Row extends { id: string }>(
  table: unknown,
  input: Pick<PageInput, 'limit' | 'marker' | 'sortDir'>,
  where: object,
  options: { include?: object; orderBy?: object[] } = {},
): Promise<Page<Row>> {
  const delegate = table as Delegate<Row>
  const orderBy = options.orderBy ?? [{ createdAt: input.sortDir }, { id: input.sortDir }]
  if (input.marker !== undefined) {
    const known = await delegate
      .findFirst({ where: { AND: [where, { id: input.marker }] }, select: { id: true } })
      .catch((error: unknown) => {
        if (isOfForeignForm(error)) return null
        throw error
      })
    if (!known)
      throw invalidInput('The marker of this page is gone. Start again at the first page.', 'marker')
  }
  const [rows, total] = await Promise.all([
    delegate.findMany({
      where,
      orderBy,
      take: input.limit + 1,
      ...(input.marker === undefined ? {} : { cursor: { id: input.marker }, skip: 1 }),
      ...(options.include ? { include: options.include } : {}),
    }),
    delegate.count({ where }),
  ])
  const more = rows.length > input.limit
  const items = more ? rows.slice(0, input.limit) : rows
  return { items, next: more ? (items.at(-1)?.id ?? null) : null, total }
}
