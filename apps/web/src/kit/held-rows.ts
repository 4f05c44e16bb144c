import { useState } from 'react'

/**
 * What is shown while somebody reads, and how many rows have come since: those above the first that was there. A list
 * that was empty is read by nobody, so that its first rows are shown at once.
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
 * Keeps the rows of a list that grows at its head where they are, until its reader asks for the new ones. `question`:
 * what was asked for (filters, page); another one is answered at once.
 */
export function useHeldRows<T extends { id: string }>(now: readonly T[], question: string) {
  const [held, setHeld] = useState({ question, rows: now })
  const same = held.question === question
  if (!same) setHeld({ question, rows: now })
  return { ...splitHeld(same ? held.rows : now, now), show: () => setHeld({ question, rows: now }) }
}
