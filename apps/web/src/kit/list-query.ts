'use client'
import type { Page } from '@stratolith/api/kernel/contract'
import type { AppRouter } from '@stratolith/api/router'
import { keepPreviousData, type UseQueryOptions, useQuery } from '@tanstack/react-query'
import type { TRPCClientErrorLike } from '@trpc/client'
import type { TRPCQueryKey } from '@trpc/tanstack-react-query'
import type { ColumnDef } from './descriptor.ts'
import { useLostPage } from './lost-page.ts'
import { useUrlState } from './url-state.ts'

/** What `trpc.x.y.queryOptions(…)` of a procedure that answers T is. */
export type CloudQuery<T> = UseQueryOptions<T, TRPCClientErrorLike<AppRouter>, T, TRPCQueryKey>
/** Goes into any list procedure's input. */
export type PageRequest = { limit: number; marker?: string; search?: string }
export type FilterDef = { id: string; label: string; options: { value: string; label: string }[] }

export const pageSize = 50
/** Sorting by a column looks at this many rows at once, the most that a list gives. */
const sortWindow = 1000

/** Rows of one page of a list as the address asks for it: ?search, ?sort, ?after and the filters. */
export function useListQuery<V extends { id: string }>(
  query: (page: PageRequest, filters: Record<string, string>) => CloudQuery<Page<V>>,
  columns: ColumnDef<V>[],
  filters: FilterDef[],
) {
  const { get, set } = useUrlState()
  const search = get('search') ?? ''
  const chosen = Object.fromEntries(
    filters.flatMap(({ id, options }) => {
      const value = get(id)
      return value && options.some((option) => option.value === value) ? [[id, value]] : []
    }),
  )
  const sort = sortOf(get('sort'), columns)
  const marker = get('after')
  const result = useQuery({
    ...query(
      {
        limit: sort ? sortWindow : pageSize,
        marker: (!sort && marker) || undefined,
        search: search || undefined,
      },
      chosen,
    ),
    placeholderData: keepPreviousData,
  })
  const lost = useLostPage(result.error, marker)
  const page = result.data
  const offset = sort ? Math.max(0, Math.trunc(Number(marker)) || 0) : 0
  const all = page ? sorted(page.items, sort) : []
  const rows = sort ? all.slice(offset, offset + pageSize) : all
  const next = sort
    ? offset + pageSize < all.length
      ? String(offset + pageSize)
      : null
    : (page?.next ?? null)
  return {
    result,
    /** The page that the address asked for is not there any more: this is the first one. */
    lost,
    rows,
    total: page?.total ?? 0,
    /** More rows exist than sorting looked at. */
    partlySorted: sort !== null && (page?.total ?? 0) > sortWindow,
    filtered: search !== '' || Object.keys(chosen).length > 0,
    next,
    paged: marker !== null,
    sort,
    search,
    chosen,
    setSearch: (text: string) => set({ search: text || null, after: null }),
    setFilter: (id: string, value: string | null) => set({ [id]: value, after: null }, true),
    clear: () =>
      set({ search: null, after: null, ...Object.fromEntries(filters.map(({ id }) => [id, null])) }),
    toggleSort: (id: string) => set({ sort: nextSort(get('sort'), id), after: null }),
    goTo: (to: string | null) => set({ after: to }, true),
  }
}

type Sort<V> = { id: string; down: boolean; by: (view: V) => string | number }

function sortOf<V>(text: string | null, columns: ColumnDef<V>[]): Sort<V> | null {
  const id = text?.replace(/^-/, '')
  const by = columns.find((column) => column.id === id)?.sort
  return by && id ? { id, by, down: text?.startsWith('-') === true } : null
}

/** Up, down, not at all. */
const nextSort = (now: string | null, id: string): string | null =>
  now === id ? `-${id}` : now === `-${id}` ? null : id

function sorted<V>(rows: V[], sort: Sort<V> | null): V[] {
  if (!sort) return rows
  const compare = (a: V, b: V) => {
    const [x, y] = [sort.by(a), sort.by(b)]
    return typeof x === 'number' && typeof y === 'number'
      ? x - y
      : String(x).localeCompare(String(y), 'en', { numeric: true })
  }
  return rows.toSorted((a, b) => (sort.down ? compare(b, a) : compare(a, b)))
}
