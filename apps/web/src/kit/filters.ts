import type { ReactNode } from 'react'
import type { PickProps } from './PickOne.tsx'

type Labelled = { id: string; label: string }
/** One of a few words. */
export type ChoiceFilter = Labelled & { options: { value: string; label: string }[] }
/** One of many things, which the server finds by their names. `isValue`: could the text be the id of one? */
export type ThingFilter = Labelled & {
  pick: (props: PickProps) => ReactNode
  isValue: (text: string) => boolean
}
/** A word that the person types. */
export type WordFilter = Labelled & { isWord: (text: string) => boolean }
/** What a list may be narrowed to; the address says `?id=value`. */
export type FilterDef = ChoiceFilter | ThingFilter | WordFilter

/** What the address asks for, without what no filter could mean: an address may have been cut short. */
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
