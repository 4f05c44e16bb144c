'use client'
import type { AppRouter } from '@stratolith/api/router'
import { QueryClientProvider } from '@tanstack/react-query'
import { createTRPCClient, httpBatchLink, httpLink, splitLink } from '@trpc/client'
import { type ReactNode, useState } from 'react'
import { batchSize } from './batch.ts'
import { pageHeaders, type Sender } from './place.ts'
import { newQueryClient } from './query-client.ts'
import { TRPCProvider } from './trpc.ts'

const url = '/api/trpc'
/** Longer inputs (user data in a plan) do not fit into an address, so they are sent by POST. */
const maxQueryInAddress = 1500

/** Gives tRPC and the query cache to the pages inside of the shell. */
export function CloudProvider({ place, userId, children }: Sender & { children: ReactNode }) {
  const [queryClient] = useState(newQueryClient)
  const [trpcClient] = useState(() => {
    const headers = pageHeaders({ place, userId })
    return createTRPCClient<AppRouter>({
      links: [
        splitLink({
          condition: (op) =>
            op.type === 'query' && (JSON.stringify(op.input)?.length ?? 0) > maxQueryInAddress,
          true: httpLink({ url, methodOverride: 'POST', headers }),
          // The streaming link is not used: tRPC 11.22 aborts an answer that arrives in two pieces (isEmpty of its
          // streams manager), which happens to every answer above some 32 KiB.
          false: httpBatchLink({ url, maxItems: batchSize, maxURLLength: 6000, headers }),
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
