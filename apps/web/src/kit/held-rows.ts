import { useState } from 'react'

/**
 * Returns the rows that stay on the screen while somebody reads, and the number of new rows above them. Nobody reads an
 * empty list, so its first rows are shown at once.
 */
export function splitHeld<T extends { id: string }>(
  held: readonly T[],
  now: readonly T[],
): { rows: readonly T[]; fresh: number } {
  if (held.length === 0) return { rows: now, fresh: 0 }
  const known = new Set(held.map(({ id }) => id))
  const first = now.findIndex(({ id }) => known.has(id))
  return { rows: held, fresh: first < 0 ? now.length : first }
}

/**
 * Keeps the rows of a list that grows at its head where they are, until the reader asks for the new ones. `question`:
 * the filters and the page; the rows of another question are shown at once.
 */
export function useHeldRows<T extends { id: string }>(now: readonly T[], question: string) {
  const [held, setHeld] = useState({ question, rows: now })
  const same = held.question === question
  if (!same) setHeld({ question, rows: now })
  return { ...splitHeld(same ? held.rows : now, now), show: () => setHeld({ question, rows: now }) }
}
