import type { AppRouter } from '@stratolith/api/router'
import type { inferRouterInputs } from '@trpc/server'
import { createTRPCContext, type TRPCOptionsProxy } from '@trpc/tanstack-react-query'

/** Usage: `const trpc = useTRPC()`, then `useQuery(trpc.images.list.queryOptions({…}))`. */
export const { TRPCProvider, useTRPC } = createTRPCContext<AppRouter>()
export type RouterInputs = inferRouterInputs<AppRouter>
export type Trpc = TRPCOptionsProxy<AppRouter>
