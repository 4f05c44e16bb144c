import { useSyncExternalStore } from 'react'

/** The requests that have not been answered yet, as `kind id`. A second click meanwhile does nothing. */
let running: ReadonlySet<string> = new Set()
const listeners = new Set<() => void>()
function become(next: ReadonlySet<string>): void {
  running = next
  for (const listener of listeners) listener()
}

export const runningKey = (kind: string, id: string): string => `${kind} ${id}`

/** Returns those of the keys on which nothing runs yet; they are taken until `end` is called with them. */
export function begin(keys: readonly string[]): string[] {
  const free = keys.filter((key) => !running.has(key))
  if (free.length > 0) become(new Set([...running, ...free]))
  return free
}

export function end(keys: readonly string[]): void {
  become(new Set([...running].filter((key) => !keys.includes(key))))
}

/** The longest time for which a thing stays taken while pages read again. */
const mostMs = 2_000

/** Calls `end` when the pages have read the new state. */
export async function endAfter(read: Promise<unknown>, keys: readonly string[]): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, mostMs)
  try {
    await Promise.race([read, late])
  } finally {
    clearTimeout(timer)
    end(keys)
  }
}

export const waitForAnswer = 'A moment: what you have asked for is on its way.'

/** Returns true, or the sentence for the buttons of a resource on which a request runs. */
export function useRunning(kind: string): (id: string) => true | string {
  const now = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => running,
    () => running,
  )
  return (id) => !now.has(runningKey(kind, id)) || waitForAnswer
}
