import type { ReactNode } from 'react'
import type { PickProps } from './PickOne.tsx'

type Labelled = { id: string; label: string }
/** A filter with a few fixed options. */
export type ChoiceFilter = Labelled & { options: { value: string; label: string }[] }
/**
 * A filter by one of many things, which the server finds by name. `isValue` answers whether a text could be the ID of
 * such a thing.
 */
export type ThingFilter = Labelled & {
  pick: (props: PickProps) => ReactNode
  isValue: (text: string) => boolean
}
/** A filter by a word that the person types. */
export type WordFilter = Labelled & { isWord: (text: string) => boolean }
/** The filters of a list; the address says `?id=value`. */
export type FilterDef = ChoiceFilter | ThingFilter | WordFilter

/** Returns the filters of the address that have a possible value: an address may have been cut short. */
export function chosenOf(
  filters: readonly FilterDef[],
  get: (key: string) => string | null,
): Record<string, string> {
  return Object.fromEntries(
    filters.flatMap((filter) => {
      const value = get(filter.id)
      return value !== null && value !== '' && isMeant(filter, value) ? [[filter.id, value]] : []
    }),
  )
}

function isMeant(filter: FilterDef, value: string): boolean {
  if ('options' in filter) return filter.options.some((option) => option.value === value)
  return 'pick' in filter ? filter.isValue(value) : filter.isWord(value)
}
