import { HttpError } from '../../openstack/errors.ts'
import type { Range } from '../service.ts'

const maxValues = 100

/** "x" → [x]; 'in:a,"b,c"' → [a, "b,c"], as Glance's filters have it. */
export function anyOf(text: string): string[] {
  if (!text.startsWith('in:')) return [text]
  const values: string[] = []
  const rest = text.slice(3)
  // Matches a value between quotes (with \" for a quote), or a value without quotes; each ends at a comma or at the
  // end.
  const value = /(?:"((?:[^"\\]|\\.)*)"|([^",]*))(,|$)/y
  while (value.lastIndex <= rest.length) {
    const found = value.exec(rest)
    if (!found) throw new HttpError(400, 'The list after in: has a quote that is not closed.')
    values.push(found[1]?.replace(/\\(.)/g, '$1') ?? found[2] ?? '')
    if (found[3] === '') break
  }
  if (values.length > maxValues) throw new HttpError(400, `in: takes at most ${maxValues} values.`)
  return values
}

/** Reads a boolean of the query. Throws 400 for any other text. */
export function boolean(name: string, text: string): boolean {
  const lower = text.toLowerCase()
  if (lower !== 'true' && lower !== 'false') throw new HttpError(400, `${name} must be true or false.`)
  return lower === 'true'
}

/** Reads a whole number of the query that is not negative. Throws 400 for any other text. */
export function number(name: string, text: string): number {
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new HttpError(400, `${name} must be a whole number that is not negative.`)
  return Math.min(value, name.startsWith('size') ? value : 2 ** 31 - 1)
}

/** Reads a filter by time: "gte:2026-11-21T03:24:13Z"; without an operator the filter matches exactly that second. */
export function instants(name: string, text: string): Range<Date>[] {
  const [, op = 'eq', iso = ''] = /^(?:(gte?|lte?|eq|neq):)?(.*)$/s.exec(text) ?? []
  const at = new Date(iso)
  if (!/^\d{4}-\d\d-\d\d/.test(iso) || Number.isNaN(at.getTime()))
    throw new HttpError(400, `${name} must be a time such as gte:2026-11-21T03:24:13Z.`)
  // Answers show whole seconds, so a filter by a shown time must match every instant of that second.
  const next = new Date(Math.floor(at.getTime() / 1000) * 1000 + 1000)
  const from = new Date(next.getTime() - 1000)
  switch (op) {
    case 'gt':
      return [{ gte: next }]
    case 'gte':
      return [{ gte: from }]
    case 'lt':
      return [{ lt: from }]
    case 'lte':
      return [{ lt: next }]
    case 'neq':
      return [{ lt: from }, { gte: next }]
    default:
      return [{ gte: from, lt: next }]
  }
}
