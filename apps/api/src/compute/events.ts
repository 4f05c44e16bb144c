import { watchHostEvents } from '../hosts/service.ts'
import { type Deps, systemCtx } from '../kernel/context.ts'
import { observeInstance } from './observe.ts'

/** An event that finds an action under way is looked at again this much later. */
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
  const look = (hostId: string, instanceId: string, left: number) => {
    observeInstance(ctx, hostId, instanceId)
      .then(async (changed) => {
        if (changed || left <= 1 || stopped) return
        const row = await deps.root.instance.findUnique({
          where: { id: instanceId },
          select: { taskState: true },
        })
        if (!row?.taskState) return
        const timer = setTimeout(() => {
          timers.delete(timer)
          look(hostId, instanceId, left - 1)
        }, againMs)
        timers.add(timer)
      })
      .catch((error) =>
        ctx.log.warn(
          { err: error, hostId, instanceId },
          'an event of a guest was lost to us; the reconciler will see it',
        ),
      )
  }
  const stop = watchHostEvents(deps, (hostId, event) => look(hostId, event.instanceId, maxLooks))
  return () => {
    stopped = true
    stop()
    for (const timer of timers) clearTimeout(timer)
  }
}
