import { useSyncExternalStore } from 'react'

/** What has been asked for and not been answered yet: `kind id`. A second click meanwhile does nothing. */
let running: ReadonlySet<string> = new Set()
const listeners = new Set<() => void>()
function become(next: ReadonlySet<string>): void {
  running = next
  for (const listener of listeners) listener()
}

export const runningKey = (kind: string, id: string): string => `${kind} ${id}`

/** The keys of these that nothing runs on yet; they are taken until `end` is called with them. */
export function begin(keys: readonly string[]): string[] {
  const free = keys.filter((key) => !running.has(key))
  if (free.length > 0) become(new Set([...running, ...free]))
  return free
}

export function end(keys: readonly string[]): void {
  become(new Set([...running].filter((key) => !keys.includes(key))))
}

/** Longer than this nobody has to wait for pages that read again. */
const mostMs = 2_000

/** `end`, when the pages have read what became of it. */
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

/** Whether something runs on this resource, as the sentence for its buttons. */
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
