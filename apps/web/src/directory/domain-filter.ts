'use client'
import { useQuery } from '@tanstack/react-query'
import type { FilterDef } from '../kit/filters.ts'
import { useTRPC } from '../kit/trpc.ts'
import { domainChoices } from './domain-read.ts'

/** The filter by domain; there is none when the caller sees a single domain only. */
export function useDomainFilter(): FilterDef[] {
  const trpc = useTRPC()
  const { data } = useQuery(domainChoices(trpc))
  const options = (data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))
  return options.length > 1 ? [{ id: 'domain', label: 'Domain', options }] : []
}
