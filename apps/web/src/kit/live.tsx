'use client'
import { useDebouncedCallback, useWindowEvent } from '@mantine/hooks'
import type { EventView } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react'
import { follow, type LiveState } from './follow.ts'
import { rightsChanged } from './heed.ts'
import { liveKeys, operationKeys } from './live-keys.ts'
import { useRouter } from './navigation.tsx'
import { useSession } from './session.ts'
import { invalidatePaths, readAgain } from './stale.ts'
import { useTRPC } from './trpc.ts'

type Listener = (event: EventView) => void
const LiveContext = createContext<LiveState | null>(null)
const ListenersContext = createContext<Set<Listener> | null>(null)

/** Events within this time cause one reload of the queries that they touch. */
const gatherMs = 120

/**
 * Follows the event stream of the project: makes the queries stale that an event touches, continues where the stream
 * was cut off, and asks for the person's rights when these change: the sign-in page opens when the session has ended.
 * `after`: the place in the event log before the data of the page were read.
 */
export function LiveProvider({ after, children }: { after: string | null; children: ReactNode }) {
  const client = useQueryClient()
  const { place, userId } = useSession()
  const [state, setState] = useState<LiveState>('connecting')
  const [listeners] = useState(() => new Set<Listener>())
  const [from] = useState(after)
  const { ask, heard } = useRights()
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
        // Somebody without a place follows a stream that no role changes.
        if (place === '' && event.resourceKind === 'user' && event.resourceId === userId) ask()
      },
      missed: () => void readAgain(client),
      rights: heard,
    })
    return () => {
      stop()
      if (gather) clearTimeout(gather)
    }
  }, [ask, heard, client, listeners, place, userId, from])
  return (
    <LiveContext value={state}>
      <ListenersContext value={listeners}>{children}</ListenersContext>
    </LiveContext>
  )
}

/**
 * Keeps the rights that the page knows as the stream tells them. `ask` finds out whether the session has ended or the
 * place is lost (heed); else the server renders the page for the rights of now, without losing what is typed. `heard`
 * takes the roles with which a stream begins, which may have changed while there was no stream, or null at the end of a
 * stream whose roles have changed.
 */
function useRights() {
  const client = useQueryClient()
  const trpc = useTRPC()
  const router = useRouter()
  const known = asText(useSession().roles)
  const [told, setTold] = useState<string | null>(null)
  const ask = useDebouncedCallback(() => {
    const rights = { ...trpc.identity.session.queryOptions(), staleTime: 0 }
    // A failure has gone to the listeners of the cache.
    client.fetchQuery(rights).then(router.refresh, () => undefined)
  }, gatherMs)
  const refresh = useDebouncedCallback(router.refresh, gatherMs)
  useWindowEvent(rightsChanged, refresh)
  useEffect(() => {
    if (told !== null && told !== known) ask()
  }, [told, known, ask])
  const heard = useCallback(
    (roles: string[] | null) => {
      setTold(roles && asText(roles))
      if (roles === null) ask()
    },
    [ask],
  )
  return { ask, heard }
}

const asText = (roles: readonly string[]): string => roles.toSorted().join(' ')

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
