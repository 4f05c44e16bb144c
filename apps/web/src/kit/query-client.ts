import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { cloudError, isSessionOver } from './errors.ts'
import { leaveEnded } from './session-end.ts'

/** How the portal asks and changes things, and what it does when the session is over. */
export function newQueryClient(): QueryClient {
  const signedOut = (error: unknown) => {
    if (isSessionOver(error)) leaveEnded('refusal')
  }
  return new QueryClient({
    // In the caches: an `onError` of a single question or change stands beside them, not in their place.
    queryCache: new QueryCache({ onError: signedOut }),
    mutationCache: new MutationCache({ onError: signedOut }),
    defaultOptions: {
      queries: {
        // Events make data stale; this is for the time without them.
        staleTime: 30_000,
        retry: (count, error) => cloudError(error).retryable && count < 3,
        throwOnError: false,
        networkMode: 'always',
        // With that mode the library would not do so of itself: what failed without a network would stay failed.
        refetchOnReconnect: true,
      },
      // The library's own way is to wait for the network and do later, unasked, what was clicked long ago.
      mutations: { retry: false, networkMode: 'always' },
    },
  })
}
