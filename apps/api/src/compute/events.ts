import { watchHostEvents } from '../hosts/service.ts'
import { type Deps, systemCtx } from '../kernel/context.ts'
import { observeInstance } from './observe.ts'

/** An event that finds an action under way, or no database, is looked at again this much later. */
const againMs = 1_000
const maxLooks = 5

/**
 * Follows the power changes of every host, so that a guest that powers itself off shows SHUTOFF
 * within a second and one whose process dies shows ERROR with the end of its log. An event is only
 * a hint to look. For the worker; returns the way to stop.
 */
export function startHostWatch(deps: Deps): () => void {
  const ctx = systemCtx(deps, 'host-watch')
  const timers = new Set<NodeJS.Timeout>()
  let stopped = false
  const again = (...args: Parameters<typeof look>) => {
    if (stopped) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      look(...args)
    }, againMs)
    timers.add(timer)
  }
  const look = (hostId: string, instanceId: string, left: number) => {
    observeInstance(ctx, hostId, instanceId)
      .then(async (changed) => {
        if (changed || left <= 1) return
        const row = await deps.root.instance.findUnique({
          where: { id: instanceId },
          select: { taskState: true },
        })
        if (row?.taskState) again(hostId, instanceId, left - 1)
      })
      .catch((error) => {
        ctx.log.warn({ err: error, hostId, instanceId, left }, 'an event of a guest could not be looked into')
        // The database or the agent may be back in a moment; after that the reconciler will see it.
        if (left > 1) again(hostId, instanceId, left - 1)
      })
  }
  const stop = watchHostEvents(deps, (hostId, event) => look(hostId, event.instanceId, maxLooks))
  return () => {
    stopped = true
    stop()
    for (const timer of timers) clearTimeout(timer)
  }
}
