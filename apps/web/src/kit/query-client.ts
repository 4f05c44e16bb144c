import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { cloudError } from './errors.ts'
import { heed } from './heed.ts'

/** Makes the query client of the portal, which also leaves for the sign-in page when the session is over. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    // The listeners are on the caches, because an `onError` of a single query or mutation runs beside them and does not
    // replace them.
    queryCache: new QueryCache({ onError: heed }),
    mutationCache: new MutationCache({ onError: heed }),
    defaultOptions: {
      queries: {
        // Events make data stale; this time is for a page whose stream is cut off.
        staleTime: 30_000,
        retry: (count, error) => cloudError(error).retryable && count < 3,
        throwOnError: false,
        networkMode: 'always',
        // In this network mode the library would not read again by itself, and a query that failed without a network
        // would stay failed.
        refetchOnReconnect: true,
      },
      // By default the library waits for the network and then carries out, unasked, a click of long ago.
      mutations: { retry: false, networkMode: 'always' },
    },
  })
}
