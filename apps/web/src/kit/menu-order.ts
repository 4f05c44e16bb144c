import type { Allowed } from '@stratolith/api/kernel/contract'

type Entry = { id: string; danger?: boolean; allowed: Allowed }

/** The place of an entry: what is possible comes first, and dangerous actions last in each part. */
const rank = ({ allowed, danger }: Entry): number => (allowed === true ? 0 : 2) + (danger ? 1 : 0)

/** The ids of a menu's entries, as they stand when it is opened. */
export const menuOrder = (entries: readonly Entry[]): string[] =>
  entries.toSorted((a, b) => rank(a) - rank(b)).map(({ id }) => id)

/** The entries in that order, whatever has become possible since; entries that are new stand last. */
export function inMenuOrder<E extends Entry>(entries: readonly E[], order: readonly string[]): E[] {
  const placeOf = ({ id }: E) => (order.includes(id) ? order.indexOf(id) : order.length)
  return entries.toSorted((a, b) => placeOf(a) - placeOf(b))
}
