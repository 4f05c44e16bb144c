import type { QueryClient } from '@tanstack/react-query'
import { liveKeys, operationKeys } from './live-keys.ts'

/** Makes every query below these router paths stale; those on screen reload. */
export function invalidatePaths(client: QueryClient, stale: ReadonlySet<string>): void {
  if (stale.size === 0) return
  void client.invalidateQueries({
    predicate: ({ queryKey }) => {
      const path = Array.isArray(queryKey[0]) ? queryKey[0].join('.') : ''
      return [...stale].some((prefix) => path === prefix || path.startsWith(`${prefix}.`))
    },
  })
}

/** After our own action: what an event of that kind would make stale, without waiting for it. */
export function invalidateKind(client: QueryClient, kind: string): void {
  invalidatePaths(client, new Set([...(liveKeys[kind] ?? []), ...operationKeys]))
}
