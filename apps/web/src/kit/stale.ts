import type { QueryClient } from '@tanstack/react-query'
import { liveKeys, operationKeys } from './live-keys.ts'

/** Makes every query below these router paths stale; those on screen reload. */
export function invalidatePaths(client: QueryClient, stale: ReadonlySet<string>): Promise<void> {
  if (stale.size === 0) return Promise.resolve()
  return client.invalidateQueries({
    predicate: ({ queryKey }) => {
      const path = Array.isArray(queryKey[0]) ? queryKey[0].join('.') : ''
      return [...stale].some((prefix) => path === prefix || path.startsWith(`${prefix}.`))
    },
  })
}

/** After our own action: reads again what an event of that kind would make stale. Resolves when that is done. */
export function rereadKind(client: QueryClient, kind: string): Promise<void> {
  return invalidatePaths(client, new Set([...(liveKeys[kind] ?? []), ...operationKeys]))
}

/** The same for whoever does not wait. */
export function invalidateKind(client: QueryClient, kind: string): void {
  void rereadKind(client, kind)
}
