'use client'
import type { EventView } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { follow, type LiveState } from './follow.ts'
import { liveKeys, operationKeys } from './live-keys.ts'
import { useSession } from './session.ts'
import { invalidatePaths } from './stale.ts'

type Listener = (event: EventView) => void
const LiveContext = createContext<LiveState | null>(null)
const ListenersContext = createContext<Set<Listener> | null>(null)

/** Events within this time cause one reload of the queries that they touch. */
const gatherMs = 120

/**
 * Follows the event stream of the project: makes the queries stale that an event touches, continues where the stream
 * was cut off, and opens the sign-in page when the session ends anywhere. `after`: the place in the event log before the
 * data of the page were read.
 */
export function LiveProvider({ after, children }: { after: string | null; children: ReactNode }) {
  const client = useQueryClient()
  const { place, userId } = useSession()
  const [state, setState] = useState<LiveState>('connecting')
  const [listeners] = useState(() => new Set<Listener>())
  const [from] = useState(after)
  useEffect(() => {
    const stale = new Set<string>()
    let gather: ReturnType<typeof setTimeout> | null = null
    const flush = () => {
      gather = null
      void invalidatePaths(client, stale)
      stale.clear()
    }
    const stop = follow({ place, userId }, setState, from, {
      event: (event) => {
        const own = event.kind.startsWith('operation.') ? operationKeys : []
        for (const path of [...own, ...liveKeys(event.resourceKind)]) stale.add(path)
        gather ??= setTimeout(flush, gatherMs)
        for (const listener of listeners) listener(event)
      },
      missed: () => void client.invalidateQueries(),
    })
    return () => {
      stop()
      if (gather) clearTimeout(gather)
    }
  }, [client, listeners, place, userId, from])
  return (
    <LiveContext value={state}>
      <ListenersContext value={listeners}>{children}</ListenersContext>
    </LiveContext>
  )
}

/** Calls `listener` with each event of the stream. The caller must pass the same function at every render. */
export function useLiveEvents(listener: Listener): void {
  const listeners = useContext(ListenersContext)
  useEffect(() => {
    listeners?.add(listener)
    return () => void listeners?.delete(listener)
  }, [listeners, listener])
}

export function useLiveState(): LiveState {
  const state = useContext(LiveContext)
  if (!state) throw new Error('This belongs inside of <LiveProvider>.')
  return state
}
