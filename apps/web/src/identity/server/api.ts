import type { AppRouter } from '@stratolith/api/router'
import { createTRPCClient, httpLink } from '@trpc/client'

/** The address of a path at the API's internal door, on loopback. */
export function apiUrl(path: string): string {
  const base = process.env.STRATOLITH_API_URL
  if (!base) throw new Error('STRATOLITH_API_URL is not set; start with `npm start`, which sets it.')
  return `${base.replace(/\/$/, '')}${path}`
}

/** The secret that lets the portal in at that door; no other process has it. */
export function doorHeaders(): { 'x-internal-secret': string } {
  const secret = process.env.STRATOLITH_WEB_SECRET
  if (!secret) throw new Error('STRATOLITH_WEB_SECRET is not set; start with `npm start`, which makes one.')
  return { 'x-internal-secret': secret }
}

/**
 * The client for calls of our server to the API. `source` is the browser's address, by which the API counts failures.
 * `signal` ends the calls.
 */
export function apiClient(caller: { token?: string; source?: string; signal?: AbortSignal }) {
  return createTRPCClient<AppRouter>({
    links: [
      httpLink({
        url: apiUrl('/trpc'),
        ...(caller.signal ? { fetch: endingWith(caller.signal) } : {}),
        headers: {
          ...doorHeaders(),
          ...(caller.token ? { 'x-auth-token': caller.token } : {}),
          ...(caller.source ? { 'x-stratolith-source': caller.source } : {}),
        },
      }),
    ],
  })
}

const endingWith =
  (signal: AbortSignal): typeof fetch =>
  (url, init) =>
    fetch(url, { ...init, signal, cache: 'no-store' })
