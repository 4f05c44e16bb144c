export type Cell = string | number | boolean | null

/**
 * A table as RFC 4180 says, with a line of headings. Programs that open such files take a cell that
 * begins with = + - or @ for a formula: those get an apostrophe before them.
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

/** All pages of a list. Throws when it has more than 50,000 rows, which a browser would have to hold: none is left out. */
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

/** A list as a file: the id, and each column that has words or numbers of its own, shown or not. */
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
