const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** Returns "512 MiB" or "1.5 GiB": binary units, at most one decimal. */
export function bytes(n: number): string {
  let value = n
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value.toLocaleString('en', { maximumFractionDigits: value < 100 && unit > 0 ? 1 : 0 })} ${units[unit]}`
}
export const mib = (n: number): string => bytes(n * 1024 ** 2)
export const gib = (n: number): string => bytes(n * 1024 ** 3)

const steps: [limit: number, size: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [90, 1, 'second'],
  [90 * 60, 60, 'minute'],
  [36 * 3600, 3600, 'hour'],
  [60 * 86_400, 86_400, 'day'],
  [730 * 86_400, 30 * 86_400, 'month'],
  [Number.POSITIVE_INFINITY, 365 * 86_400, 'year'],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** Returns "now", "3 minutes ago" or "in 2 days". */
export function ago(iso: string, now = Date.now()): string {
  const past = (now - Date.parse(iso)) / 1000
  if (past > -5 && past < 5) return 'now'
  for (const [limit, size, unit] of steps)
    if (Math.abs(past) < limit) return relative.format(-Math.round(past / size), unit)
  return iso
}

/** Returns milliseconds as "12 ms", "3.1 s", "12 s" or "2 min 5 s". */
export function seconds(ms: number): string {
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))} ms`
  const total = ms / 1000
  if (total < 10) return `${total.toFixed(1)} s`
  const rounded = Math.round(total)
  if (rounded < 60) return `${rounded} s`
  const minutes = Math.floor(rounded / 60)
  if (minutes < 60) return `${minutes} min ${rounded % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Returns "21 Nov 2026, 07:58:03" in the reader's own time zone. */
export const dateTime = (iso: string): string =>
  new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** The beginning of an ID, with dots, for a cell that has no room for the whole; other texts as they are. */
export const shortId = (text: string): string =>
  /^(?:req-)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/.test(text)
    ? `${text.slice(0, text.startsWith('req-') ? 12 : 8)}…`
    : text
