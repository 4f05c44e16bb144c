import type { AppRouter } from '@stratolith/api/router'
import { createTRPCClient, httpLink } from '@trpc/client'

/** Where the API's own door is, on loopback. */
export function apiUrl(path: string): string {
  const base = process.env.STRATOLITH_API_URL
  if (!base) throw new Error('STRATOLITH_API_URL is not set; start with `npm start`, which sets it.')
  return `${base.replace(/\/$/, '')}${path}`
}

/** The API as our server side calls it. `source` is the browser's address, for throttling. */
export function apiClient(caller: { token?: string; source?: string }) {
  return createTRPCClient<AppRouter>({
    links: [
      httpLink({
        url: apiUrl('/trpc'),
        headers: {
          ...(caller.token ? { 'x-auth-token': caller.token } : {}),
          ...(caller.source ? { 'x-stratolith-source': caller.source } : {}),
        },
      }),
    ],
  })
}
