import type { PageRequest } from './list-query.ts'

export const pageSize = 50

/**
 * Returns the page that the address of a list asks for. It trusts the address, and `useListQuery` knows the columns: when
 * the two disagree about a bad address, the browser asks again.
 */
export const pageOf = (get: (key: string) => string | null): PageRequest => ({
  search: get('search') || undefined,
  sort: get('sort') || undefined,
  limit: pageSize,
  marker: get('after') || undefined,
})
