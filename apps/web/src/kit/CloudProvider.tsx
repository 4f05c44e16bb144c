'use client'
import type { AppRouter } from '@stratolith/api/router'
import { QueryClientProvider } from '@tanstack/react-query'
import { createTRPCClient, httpBatchLink, httpLink, splitLink } from '@trpc/client'
import { type ReactNode, useState } from 'react'
import { newQueryClient } from './query-client.ts'
import { TRPCProvider } from './trpc.ts'

const url = '/api/trpc'
/** Longer inputs (user data in a plan) do not fit into an address. */
const maxQueryInAddress = 1500

/** tRPC and the query cache for the pages inside of the shell. `place`: where the session holds (kit/place.ts). */
export function CloudProvider({ place, children }: { place: string; children: ReactNode }) {
  const [queryClient] = useState(newQueryClient)
  const [trpcClient] = useState(() => {
    // See identity/server/places.ts: this page was made for this place.
    const headers = { 'x-stratolith-place': place }
    return createTRPCClient<AppRouter>({
      links: [
        splitLink({
          condition: (op) =>
            op.type === 'query' && (JSON.stringify(op.input)?.length ?? 0) > maxQueryInAddress,
          true: httpLink({ url, methodOverride: 'POST', headers }),
          // Not the streaming link: an answer that arrives in two pieces makes it abort (11.22, isEmpty of its
          // streams manager), which is every answer above some 32 KiB.
          false: httpBatchLink({ url, maxItems: 20, maxURLLength: 6000, headers }),
        }),
      ],
    })
  })
  return (
    <QueryClientProvider client={queryClient}>
      <TRPCProvider trpcClient={trpcClient} queryClient={queryClient}>
        {children}
      </TRPCProvider>
    </QueryClientProvider>
  )
}
