'use client'
import { type DehydratedState, HydrationBoundary } from '@tanstack/react-query'
import type { ReactNode } from 'react'

/** Hands the data that the server has read on to the page. */
export function FirstData({ state, children }: { state: DehydratedState | null; children: ReactNode }) {
  return <HydrationBoundary state={state && inOwnTime(state)}>{children}</HydrationBoundary>
}

const known = new WeakMap<DehydratedState, DehydratedState>()

/**
 * The data are new when they arrive, whatever the clocks of the server and of the browser say. They are not new again
 * when the browser shows the page once more, after Back.
 */
function inOwnTime(state: DehydratedState): DehydratedState {
  const found = known.get(state)
  if (found) return found
  const dataUpdatedAt = Date.now()
  const own = {
    ...state,
    queries: state.queries.map((query) => ({ ...query, state: { ...query.state, dataUpdatedAt } })),
  }
  known.set(state, own)
  return own
}
