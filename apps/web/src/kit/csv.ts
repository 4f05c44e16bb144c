export type Cell = string | number | boolean | null

/**
 * Returns a table as CSV by RFC 4180, with a line of headings. Spreadsheet programs take a cell that begins with = + -
 * or @ for a formula: such a cell gets an apostrophe before it.
 */
export function csv(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return `${[headings, ...rows].map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`
}

function cell(value: Cell): string {
  const text = value === null ? '' : String(value)
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const mostRows = 50_000

/**
 * Reads all pages of a list. Throws when the list has more than 50,000 rows, because the browser must hold them all; a
 * file never leaves rows out.
 */
export async function everyPage<T>(
  page: (marker: string | undefined) => Promise<{ items: T[]; next: string | null }>,
): Promise<T[]> {
  const rows: T[] = []
  let marker: string | undefined
  for (;;) {
    const { items, next } = await page(marker)
    rows.push(...items)
    if (next === null) return rows
    if (rows.length >= mostRows) throw new TooLong()
    marker = next
  }
}

export class TooLong extends Error {
  constructor() {
    super(`The list has more than ${mostRows.toLocaleString('en')} rows. Narrow it down, or use the API.`)
  }
}

type Column<V> = { header: string; value?: (view: V) => Cell; sort?: unknown }

/**
 * Returns a list as a file: the ID, and each column that has a word or number as its value, whether the column is shown
 * or not.
 */
export function listFile<V extends { id: string }>(
  columns: readonly Column<V>[],
  rows: readonly V[],
): string {
  const told = columns.flatMap(({ header, value }) => (value ? [{ header, value }] : []))
  return csv(
    ['ID', ...told.map(({ header }) => header)],
    rows.map((row) => [row.id, ...told.map(({ value }) => value(row))]),
  )
}
