import { watchHostEvents } from '../hosts/service.ts'
import { type Deps, systemCtx } from '../kernel/context.ts'
import { continueOperationsOf } from '../kernel/workflow.ts'
import type { TaskState } from './contract.ts'
import { observeInstance } from './observe.ts'

/** An event that finds an action under way, or no database, is looked at again this much later. */
const againMs = 1_000
const maxLooks = 5
const waitsForGuest = ['powering-off', 'rebooting'] satisfies TaskState[]

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
  /** A stop or a reboot waits for its guest to power off, outside of any slot. */
  const goOn = async (instanceId: string) => {
    const where = { id: instanceId, taskState: { in: waitsForGuest } }
    if ((await deps.root.instance.count({ where })) > 0)
      await continueOperationsOf(ctx, 'instance', instanceId)
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
  const stop = watchHostEvents(deps, (hostId, event) => {
    look(hostId, event.instanceId, maxLooks)
    if (event.power === 'off' || event.power === 'crashed')
      goOn(event.instanceId).catch((error) =>
        // Its timer will find it, some seconds later.
        ctx.log.warn({ err: error, instanceId: event.instanceId }, 'an operation could not be continued'),
      )
  })
  return () => {
    stopped = true
    stop()
    for (const timer of timers) clearTimeout(timer)
  }
}
