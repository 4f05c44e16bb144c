import { HttpError } from '../../openstack/errors.ts'
import type { Call } from '../../openstack/operation.ts'
import { nextLink, pageQuery, type Query, queryText } from '../../openstack/pages.ts'

/** A page of a list that is so short that the whole of it is read. `word`: the noun of a 404 for the marker. */
export function cutPage<Thing extends { id: string }>(
  call: Call,
  all: readonly Thing[],
  word: string,
): { shown: Thing[]; next: string | null } {
  const { query } = call
  const { limit, marker } = pageQuery(query)
  const before = marker === undefined ? -1 : all.findIndex(({ id }) => id === marker)
  if (marker !== undefined && before < 0)
    throw new HttpError(404, `${word} ${marker.slice(0, 100)} could not be found.`)
  const from = before + 1 + offsetOf(query)
  const shown = queryText(query, 'limit') === '0' ? [] : all.slice(from, from + limit)
  const last = shown.at(-1)
  if (!last || all.at(-1) === last) return { shown, next: null }
  const next = new URL(nextLink(call.deps.config.publicUrl, call.request.url, last.id))
  next.searchParams.delete('offset')
  return { shown, next: next.href }
}

function offsetOf(query: Query): number {
  const text = queryText(query, 'offset') ?? '0'
  if (!/^\d{1,9}$/.test(text)) throw new HttpError(400, 'offset must be a whole number that is not negative.')
  return Number(text)
}
