import { watchHostEvents } from '../hosts/service.ts'
import { type Deps, systemCtx } from '../kernel/context.ts'
import { uuids } from '../kernel/gathered.ts'
import { continueOperationsOf } from '../kernel/workflow.ts'
import type { TaskState } from './contract.ts'
import { observeInstance } from './observe.ts'

/**
 * How many guests of one host are looked at at the same time, and how many wait. The limits keep a host that sends
 * events of more guests than it has from delaying other hosts. The reconciler later sees what was left out.
 */
const looksAtOnce = 8
const mostWaiting = 10_000
/**
 * When an action is under way or the database does not answer, the guest of an event is looked at again after this
 * time.
 */
const againMs = 1_000
const maxLooks = 5
const waitsForGuest = ['powering-off', 'rebooting'] satisfies TaskState[]

/** `left` is the number of looks that remain while an action is under way. */
type Hint = { left: number; isOff: boolean }
type Looks = { waiting: Map<string, Hint>; running: number }

/**
 * Follows the power changes of every host, so that a guest that powers itself off shows SHUTOFF within a second, and a
 * guest whose process dies shows ERROR with the end of its log. An event is only a hint to look at the guest. The
 * worker calls this; the returned function stops the watch.
 */
export function startHostWatch(deps: Deps): () => void {
  const ctx = systemCtx(deps, 'host-watch')
  const timers = new Set<NodeJS.Timeout>()
  let stopped = false
  const hosts = new Map<string, Looks>()
  const ask = (hostId: string, instanceId: string, hint: Hint) => {
    const looks = hosts.get(hostId) ?? { waiting: new Map(), running: 0 }
    hosts.set(hostId, looks)
    const before = looks.waiting.get(instanceId)
    if (!before && looks.waiting.size >= mostWaiting) return
    const isOff = hint.isOff || (before?.isOff ?? false)
    looks.waiting.set(instanceId, { left: Math.max(hint.left, before?.left ?? 0), isOff })
    goThrough(hostId, looks)
  }
  const goThrough = (hostId: string, looks: Looks) => {
    for (const [instanceId, hint] of looks.waiting) {
      if (stopped || looks.running >= looksAtOnce) return
      looks.waiting.delete(instanceId)
      looks.running++
      void look(hostId, instanceId, hint).finally(() => {
        looks.running--
        if (looks.running === 0 && looks.waiting.size === 0) hosts.delete(hostId)
        else goThrough(hostId, looks)
      })
    }
  }
  const again = (...args: Parameters<typeof ask>) => {
    if (stopped) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      ask(...args)
    }, againMs)
    timers.add(timer)
  }
  /** Continues a stop or a reboot, which waits without a slot for its guest to power off. */
  const goOn = async (instanceId: string) => {
    const where = { id: instanceId, taskState: { in: waitsForGuest } }
    if ((await deps.root.instance.count({ where })) > 0)
      await continueOperationsOf(ctx, 'instance', instanceId)
  }
  const look = async (hostId: string, instanceId: string, { left, isOff }: Hint) => {
    if (isOff)
      await goOn(instanceId).catch((error) =>
        // The timer of the operation continues it some seconds later.
        ctx.log.warn({ err: error, instanceId }, 'an operation could not be continued'),
      )
    const next = { left: left - 1, isOff: false }
    try {
      const state = await observeInstance(ctx, hostId, instanceId)
      if (state === 'changing' && left > 1) again(hostId, instanceId, next)
    } catch (error) {
      ctx.log.warn({ err: error, hostId, instanceId, left }, 'an event of a guest could not be looked into')
      // The database or the agent may answer again in a moment; after the last look the reconciler sees the guest.
      if (left > 1) again(hostId, instanceId, next)
    }
  }
  const stop = watchHostEvents(deps, (hostId, { instanceId, power }) => {
    // Text that is no id of an instance has no row.
    for (const id of uuids([instanceId]))
      ask(hostId, id, { left: maxLooks, isOff: power === 'off' || power === 'crashed' })
  })
  return () => {
    stopped = true
    stop()
    for (const timer of timers) clearTimeout(timer)
  }
}
