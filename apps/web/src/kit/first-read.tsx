import type { AppRouter } from '@stratolith/api/router'
import { dehydrate, type FetchQueryOptions, QueryClient } from '@tanstack/react-query'
import { createTRPCOptionsProxy, type TRPCQueryKey } from '@trpc/tanstack-react-query'
import { cookies, headers } from 'next/headers'
import { cache, type ReactElement, type ReactNode } from 'react'
import { apiClient } from '../identity/server/api.ts'
import { sessionAt } from '../identity/server/places.ts'
import { readSession } from '../identity/server/session-cookie.ts'
import { FirstData } from './FirstData.tsx'
import { pageOf } from './list-address.ts'
import type { ListQuery } from './list-query.ts'
import { cloudPlace } from './paths.ts'
import { placeKey } from './place.ts'
import type { Trpc } from './trpc.ts'

/** When the API is slower than this, the page is sent without data, and the browser asks for them. */
const patienceMs = 800

type Address = Record<string, string | string[] | undefined>
type RouteProps<P> = { params: Promise<P & { place: string }>; searchParams: Promise<Address> }
type Read = Pick<FetchQueryOptions<unknown, Error, unknown, TRPCQueryKey>, 'queryKey' | 'queryFn'>
type Route<P> = (props: RouteProps<P>) => Promise<ReactElement>

/**
 * Makes the route of a page whose first reads the server makes, so that the HTML has the data already (decision 27).
 * `reads` returns the same query options as the page's own `useQuery`, from the parameters of the path and of the address.
 */
export const readFirst =
  <P = object>(
    reads: (trpc: Trpc, params: P & { place: string }, get: (key: string) => string | null) => Read[],
    page: (params: P) => ReactNode,
  ): Route<P> =>
  async ({ params, searchParams }) => {
    const coded: Record<string, string> = await params
    const own = Object.fromEntries(
      Object.entries(coded).map(([key, value]) => [key, decodeURIComponent(value)]),
    ) as P & { place: string }
    const address = await searchParams
    const state = await stateOf(own.place, (trpc) => reads(trpc, own, (key) => first(address[key])))
    return <FirstData state={state}>{page(own)}</FirstData>
  }

/**
 * Makes the route of a page that shows a list: `query` is also what the page gives to `ResourceTable`, and `more` has the
 * reads of what stands above the rows.
 */
export const listRoute = <V,>(
  query: ListQuery<V>,
  page: ReactNode,
  more: (trpc: Trpc, get: (key: string) => string | null) => Read[] = () => [],
): Route<object> => {
  return async (props) => {
    const address = await props.searchParams
    // The list has filters among these, and the others are none of its read's concern.
    const filters = Object.fromEntries(
      Object.keys(address).flatMap((key) => {
        const value = first(address[key])
        return value ? [[key, value]] : []
      }),
    )
    return readFirst(
      (trpc, _, get) => [query(pageOf(get), filters, trpc, get), ...more(trpc, get)],
      () => page,
    )(props)
  }
}

const first = (value: string | string[] | undefined): string | null =>
  (Array.isArray(value) ? value[0] : value) ?? null

/** Reads for one request; nothing is kept for the next. Null: the browser has to ask. */
async function stateOf(place: string, reads: (trpc: Trpc) => Read[]) {
  // Only a document has data. When a page is opened by a link, the browser has its cache and asks at once.
  if (!(await headers()).get('accept')?.includes('text/html')) return null
  const known = await readSession(await cookies())
  if (known === null) return null
  const signal = AbortSignal.timeout(patienceMs)
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  const read = async () => {
    // The events are followed from a place before the reads, so that no change is missed in between.
    const [there, from] = await Promise.all([
      sessionAt(known, place === cloudPlace ? placeKey(known.session) : place).catch(() => null),
      eventPosition(),
    ])
    if (there === null || from === null) return
    const trpc = createTRPCOptionsProxy<AppRouter>({
      client: apiClient({ token: there.token, signal }),
      queryClient: client,
    })
    await Promise.all(reads(trpc).map((query) => client.prefetchQuery(query)))
  }
  await Promise.race([read(), new Promise((resolve) => signal.addEventListener('abort', resolve))])
  return dehydrate(client)
}

/**
 * The place in the event log before the first reads of this request; null when the API does not answer. The layout
 * and the page of one request get the same.
 */
export const eventPosition = cache(async (): Promise<string | null> => {
  const known = await readSession(await cookies())
  if (known === null || !(await headers()).get('accept')?.includes('text/html')) return null
  const api = apiClient({ token: known.token, signal: AbortSignal.timeout(patienceMs) })
  return api.operations.position.query().catch(() => null)
})
