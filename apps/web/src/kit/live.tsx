'use client'
import type { EventView } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { liveKeys, operationKeys } from './live-keys.ts'
import { leave } from './session-end.ts'
import { invalidatePaths } from './stale.ts'

export type LiveState = 'live' | 'connecting' | 'offline'
type Listener = (event: EventView) => void
const LiveContext = createContext<LiveState | null>(null)
const ListenersContext = createContext<Set<Listener> | null>(null)

/** A burst of events makes one reload of what they touch. */
const gatherMs = 120
const hiddenMs = 30_000
const retryMs = [500, 1000, 2000, 5000] as const

/**
 * Follows the event stream of the project: makes queries stale that an event touches, resumes where
 * it was cut off, and leaves for the sign-in page when the session ends anywhere.
 */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient()
  const [state, setState] = useState<LiveState>('connecting')
  const [listeners] = useState(() => new Set<Listener>())
  useEffect(() => {
    const stale = new Set<string>()
    let gather: ReturnType<typeof setTimeout> | null = null
    const flush = () => {
      gather = null
      invalidatePaths(client, stale)
      stale.clear()
    }
    const stop = follow(setState, {
      event: (event) => {
        const own = event.kind.startsWith('operation.') ? operationKeys : []
        for (const path of [...own, ...(liveKeys[event.resourceKind] ?? [])]) stale.add(path)
        gather ??= setTimeout(flush, gatherMs)
        for (const listener of listeners) listener(event)
      },
      missed: () => void client.invalidateQueries(),
    })
    return () => {
      stop()
      if (gather) clearTimeout(gather)
    }
  }, [client, listeners])
  return (
    <LiveContext value={state}>
      <ListenersContext value={listeners}>{children}</ListenersContext>
    </LiveContext>
  )
}

/** Calls `listener` with each event of the stream; the same function from one render to the next. */
export function useLiveEvents(listener: Listener): void {
  const listeners = useContext(ListenersContext)
  useEffect(() => {
    listeners?.add(listener)
    return () => void listeners?.delete(listener)
  }, [listeners, listener])
}

/** EventSource with our own reconnects: the browser's gives up on any answer but 200. */
function follow(
  setState: (state: LiveState) => void,
  on: { event: Listener; missed: () => void },
): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | null = null
  let cursor: string | null = null
  let failures = 0
  let connectedOnce = false
  const connect = () => {
    timer = null
    source = new EventSource(cursor ? `/api/events?after=${encodeURIComponent(cursor)}` : '/api/events')
    source.onopen = () => {
      // Without a cursor we cannot know what happened in between.
      if (connectedOnce && cursor === null) on.missed()
      connectedOnce = true
      failures = 0
      setState('live')
    }
    source.addEventListener('change', (message) => {
      const event: EventView = JSON.parse(message.data)
      cursor = event.cursor
      on.event(event)
    })
    source.addEventListener('reset', () => {
      cursor = null
      on.missed()
    })
    source.addEventListener('session.ended', () => leave('ended'))
    source.onerror = () => {
      source?.close()
      failures += 1
      setState(failures < 3 ? 'connecting' : 'offline')
      // A cursor that the server refuses would be refused for ever.
      if (failures === 3) cursor = null
      if (failures === 1) on.missed() // a dead session answers 401 here, which leads to the sign-in page
      timer = setTimeout(connect, retryMs[Math.min(failures - 1, retryMs.length - 1)])
    }
  }
  const stop = () => {
    source?.close()
    source = null
    if (timer) clearTimeout(timer)
    timer = null
  }
  // A browser gives a site six connections: tabs that nobody sees give theirs back.
  const onVisibility = () => {
    if (hidden) clearTimeout(hidden)
    hidden = null
    if (document.hidden) hidden = setTimeout(stop, hiddenMs)
    else if (source === null && timer === null) connect()
  }
  let hidden: ReturnType<typeof setTimeout> | null = null
  document.addEventListener('visibilitychange', onVisibility)
  connect()
  return () => {
    document.removeEventListener('visibilitychange', onVisibility)
    if (hidden) clearTimeout(hidden)
    stop()
  }
}

export function useLiveState(): LiveState {
  const state = useContext(LiveContext)
  if (!state) throw new Error('This belongs inside of <LiveProvider>.')
  return state
}
