import type { InvalidateQueryFilters, QueryClient } from '@tanstack/react-query'
import { liveKeys, operationKeys } from './live-keys.ts'

/**
 * Makes queries stale; those of visible pages are read again. The library lets the very first read of a query go on, whose
 * answer may be older than the event, and then takes it for fresh: such a query is read once more after its first answer.
 */
export async function readAgain(client: QueryClient, filters: InvalidateQueryFilters = {}): Promise<void> {
  const underWay = client
    .getQueryCache()
    .findAll({ ...filters, fetchStatus: 'fetching' })
    .filter((query) => query.state.data === undefined)
  await client.invalidateQueries(filters)
  await Promise.all(
    underWay.map(async (query) => {
      await query.promise?.catch(() => undefined)
      await client.invalidateQueries({ queryKey: query.queryKey, exact: true })
    }),
  )
}

/**
 * Makes every query below these router paths stale, except those below `but`; queries of visible pages are read again.
 */
export function invalidatePaths(
  client: QueryClient,
  stale: ReadonlySet<string>,
  but?: string,
): Promise<void> {
  if (stale.size === 0) return Promise.resolve()
  return readAgain(client, {
    predicate: ({ queryKey }) => {
      const path = Array.isArray(queryKey[0]) ? queryKey[0].join('.') : ''
      return [...stale].some((prefix) => isBelow(path, prefix)) && !(but && isBelow(path, but))
    },
  })
}

const isBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}.`)

/**
 * Reads again, after an action of this page, what an event of that kind would make stale. Resolves when the things
 * themselves are read; queries that count or explain them may take longer.
 */
export function rereadKind(client: QueryClient, kind: string): Promise<void> {
  const [own, ...others] = liveKeys(kind)
  void invalidatePaths(client, new Set([...others, ...operationKeys]), own)
  return own === undefined ? Promise.resolve() : invalidatePaths(client, new Set([own]))
}

/** Does the same for callers that do not wait. */
export function invalidateKind(client: QueryClient, kind: string): void {
  void rereadKind(client, kind)
}
