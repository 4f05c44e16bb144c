'use client'
import { createContext, useContext, useSyncExternalStore } from 'react'

/** The time at which the server has made the page; null outside of the portal's shell. */
export const RenderedAt = createContext<number | null>(null)

/** One clock for the whole page; it ticks every second while a component uses it. */
const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | null = null

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  // Nobody has used the clock for a while, so its last value is old.
  if (timer === null) now = Date.now()
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of listeners) each()
  }, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }
}

/**
 * Returns milliseconds, new each second. On the server and in the first paint, which have to agree, it returns the time
 * of the server.
 */
export function useNow(): number | null {
  const renderedAt = useContext(RenderedAt)
  return useSyncExternalStore(
    subscribe,
    () => now,
    () => renderedAt,
  )
}
