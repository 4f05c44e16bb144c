'use client'
import { useQuery } from '@tanstack/react-query'
import type { FilterDef } from '../kit/filters.ts'
import { useTRPC } from '../kit/trpc.ts'

/** Worth a filter only where there is more than one. */
export function useDomainFilter(): FilterDef[] {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.directory.domains.list.queryOptions({ limit: 200, sortDir: 'asc' }))
  const options = (data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))
  return options.length > 1 ? [{ id: 'domain', label: 'Domain', options }] : []
}
