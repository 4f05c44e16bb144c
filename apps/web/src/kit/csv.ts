type Cell = string | number | boolean | null

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
