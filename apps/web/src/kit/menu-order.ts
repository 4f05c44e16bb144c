import type { Allowed } from '@stratolith/api/kernel/contract'

type Entry = { id: string; allowed: Allowed }

/** The ids of a menu's entries, as they stand when it is opened: those that are possible first. */
export const menuOrder = (entries: readonly Entry[]): string[] =>
  entries.toSorted((a, b) => Number(b.allowed === true) - Number(a.allowed === true)).map(({ id }) => id)

/** The entries in that order, whatever has become possible since; entries that are new stand last. */
export function inMenuOrder<E extends Entry>(entries: readonly E[], order: readonly string[]): E[] {
  const placeOf = ({ id }: E) => (order.includes(id) ? order.indexOf(id) : order.length)
  return entries.toSorted((a, b) => placeOf(a) - placeOf(b))
}
