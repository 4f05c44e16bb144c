import type { Allowed } from '@stratolith/api/kernel/contract'

type Entry = { id: string; group?: string; danger?: boolean; allowed: Allowed }

/**
 * The parts of a menu, between which it draws lines: the groups in the order of their first entries, and behind them what is
 * dangerous. The order depends on no state, so that hands find an entry at the same place in every row and on every page.
 */
export function menuParts<E extends Entry>(entries: readonly E[]): { safe: E[][]; danger: E[] } {
  const isDanger = ({ danger }: E) => danger === true
  const byGroup = Map.groupBy(
    entries.filter((entry) => !isDanger(entry)),
    ({ group }) => group,
  )
  return { safe: [...byGroup.values()], danger: entries.filter(isDanger) }
}

/**
 * The entries that a menu had when it was opened, as they are now: an event must not move entries under the pointer, so
 * none comes or goes before the next opening. `now` has all actions: one that has become a button of the page stays possible.
 */
export const asOpened = <E extends Entry>(opened: readonly E[], now: readonly E[]): E[] =>
  opened.map(
    (entry) =>
      now.find(({ id }) => id === entry.id) ?? {
        ...entry,
        allowed: 'The state has changed meanwhile. Open the menu again to see what is possible.',
      },
  )
