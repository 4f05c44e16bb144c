import { HttpError } from './errors.ts'

export type Query = Record<string, string | string[] | undefined>

/** The last value of a query parameter, which may be given several times; undefined when absent. */
export function queryText(query: Query, name: string): string | undefined {
  const value = query[name]
  return Array.isArray(value) ? value.at(-1) : value
}

/** The page size and the marker of a list. The page size is at most `cap`, also when the query has no limit. Throws 400. */
export function pageQuery(query: Query, cap = 1000): { limit: number; marker?: string } {
  const text = queryText(query, 'limit')
  const marker = queryText(query, 'marker')
  if (text !== undefined && !/^\d{1,9}$/.test(text))
    throw new HttpError(400, 'limit must be a whole number that is not negative.')
  const asked = text === undefined ? cap : Number(text)
  return { limit: asked === 0 ? cap : Math.min(asked, cap), ...(marker === undefined ? {} : { marker }) }
}

/** Refuses a list that is too long, for versions without pages, which must never return only a part. */
export function refuseCut(more: boolean, most: number, version: string): void {
  if (more)
    throw new HttpError(400, `There are more than ${most}. Ask with microversion ${version} for pages.`)
}

/**
 * The link to the next page: the public URL of the list with the same query and the next marker.
 * `pathAndQuery` is the request's own, e.g. "/compute/v2.1/servers?limit=2".
 */
export function nextLink(publicUrl: string, pathAndQuery: string, marker: string): string {
  const url = new URL(pathAndQuery, 'http://local')
  url.searchParams.set('marker', marker)
  return `${publicUrl}${url.pathname}?${url.searchParams.toString()}`
}
