import type { EventHub } from '../../apps/api/src/kernel/event-hub.ts'

type Goal = 'active' | 'gone'

/**
 * Waits for instances by the event log, as the portal does, so that waiting costs the database
 * nothing. Events that come before somebody waits for them are kept.
 */
export function waitFor(hub: EventHub): (instanceId: string, what: Goal) => Promise<void> {
  const seen = new Map<string, Goal | 'error'>()
  const waiting = new Map<string, () => void>()
  hub.onRows((rows) => {
    for (const row of rows) {
      if (row.resourceKind !== 'instance') continue
      const state = row.kind === 'instance.deleted' ? 'gone' : row.data.vmState
      if (state !== 'active' && state !== 'gone' && state !== 'error') continue
      seen.set(row.resourceId, state)
      waiting.get(row.resourceId)?.()
    }
  })
  return async (id, what) => {
    const end = Date.now() + 120_000
    for (;;) {
      const state = seen.get(id)
      if (state === what) return
      if (state === 'error') throw new Error(`instance ${id} ended in error`)
      if (Date.now() > end) throw new Error(`instance ${id} is not ${what} after 120 s`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 5_000)
        waiting.set(id, () => {
          clearTimeout(timer)
          resolve()
        })
      })
      waiting.delete(id)
    }
  }
}
