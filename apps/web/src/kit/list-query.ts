'use client'
import type { Page } from '@stratolith/api/kernel/contract'
import type { AppRouter } from '@stratolith/api/router'
import { keepPreviousData, type UseQueryOptions, useQuery } from '@tanstack/react-query'
import type { TRPCClientErrorLike } from '@trpc/client'
import type { TRPCQueryKey } from '@trpc/tanstack-react-query'
import type { ColumnDef } from './descriptor.ts'
import { chosenOf, type FilterDef } from './filters.ts'
import { pageSize } from './list-address.ts'
import { useLostPage } from './lost-page.ts'
import { type Trpc, useTRPC } from './trpc.ts'
import { useUrlState } from './url-state.ts'

/** The type of `trpc.x.y.queryOptions(…)` of a procedure that answers T. */
export type CloudQuery<T> = UseQueryOptions<T, TRPCClientErrorLike<AppRouter>, T, TRPCQueryKey>
/** The part of the input that every list procedure takes. */
export type PageRequest = { limit: number; marker?: string; search?: string; sort?: string }
/**
 * The read of a list. Of its parameters, `page` and `filters` are what the address of the list asks for, and `get`
 * reads what else stands in the address. The read of a page's main list is a function of its own, because the server
 * makes its first read (kit/first-read.tsx).
 */
export type ListQuery<V> = (
  page: PageRequest,
  filters: Partial<Record<string, string>>,
  trpc: Trpc,
  get: (key: string) => string | null,
) => CloudQuery<Page<V>>

/** Returns the rows of one page of a list as the address asks for it: ?search, ?sort, ?after and the filters. */
export function useListQuery<V extends { id: string }>(
  query: ListQuery<V>,
  columns: ColumnDef<V>[],
  filters: FilterDef[],
) {
  const trpc = useTRPC()
  const { get, set } = useUrlState()
  const search = get('search') ?? ''
  const chosen = chosenOf(filters, get)
  const sort = sortOf(get('sort'), columns)
  const marker = get('after')
  const asked = { search: search || undefined, sort: sort ? sortWord(sort) : undefined }
  const result = useQuery({
    ...query({ ...asked, limit: pageSize, marker: marker ?? undefined }, chosen, trpc, get),
    placeholderData: keepPreviousData,
  })
  const lost = useLostPage(result.error, marker)
  const page = result.data
  return {
    result,
    /** True: the page that the address asked for no longer exists, and the first page is shown instead. */
    lost,
    rows: page?.items ?? [],
    count: page ?? { total: 0, atLeast: false, first: null },
    filtered: search !== '' || Object.keys(chosen).length > 0,
    next: page?.next ?? null,
    previous: page?.previous ?? null,
    paged: marker !== null,
    sort,
    search,
    chosen,
    /** Reads a part of the whole list that is asked for, in the same order. */
    part: (after: string | undefined, limit: number) =>
      query({ ...asked, limit, marker: after }, chosen, trpc, get),
    setSearch: (text: string) => set({ search: text || null, after: null }),
    setFilter: (id: string, value: string | null) => set({ [id]: value, after: null }, true),
    clear: () =>
      set({ search: null, after: null, ...Object.fromEntries(filters.map(({ id }) => [id, null])) }),
    toggleSort: (id: string) => set({ sort: nextSort(get('sort'), id), after: null }, true),
    goTo: (to: string | null) => set({ after: to }, true),
  }
}

type Sort = { id: string; down: boolean }

/** Reads ?sort= ("name", "-name"); null when it names no sortable column. */
export function sortOf<V>(
  text: string | null,
  columns: readonly Pick<ColumnDef<V>, 'id' | 'sort'>[],
): Sort | null {
  const id = text?.replace(/^-/, '')
  const column = columns.find((one) => one.id === id)
  return column?.sort ? { id: column.id, down: text?.startsWith('-') === true } : null
}
const sortWord = ({ id, down }: Sort): string => (down ? `-${id}` : id)

/** Returns the next value of ?sort= after a click on a heading: up, down, not sorted. */
export const nextSort = (now: string | null, id: string): string | null =>
  now === id ? `-${id}` : now === `-${id}` ? null : id

/** Returns “3 instances”, “1–50 of 61 instances” or “51–100 of 1,000+ instances”. */
export function countText(
  { first, total, atLeast }: Pick<Page<unknown>, 'first' | 'total' | 'atLeast'>,
  shown: number,
  words: { one: string; many: string },
): string {
  if (total === 0) return ''
  const number = (count: number) => count.toLocaleString('en')
  const all = `${number(total)}${atLeast ? '+' : ''} ${total === 1 ? words.one : words.many}`
  if (shown === total && !atLeast) return all
  return first === null
    ? `${number(shown)} of ${all}`
    : `${number(first)}–${number(first + shown - 1)} of ${all}`
}
