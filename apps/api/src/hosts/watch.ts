import type { HypervisorEvent } from '@stratolith/drivers/hypervisor/interface'
import type { Deps } from '../kernel/context.ts'

const lookEveryMs = 5_000

/**
 * Subscribes to the power changes of every registered host, new ones included, until the returned
 * function is called. Streams connect again by themselves and then tell the state of every guest,
 * so the same change may be told twice: `onEvent` must be idempotent. It must not throw.
 */
export function watchHostEvents(
  deps: Deps,
  onEvent: (hostId: string, event: HypervisorEvent) => void,
): () => void {
  const watched = new Map<string, { endpoint: string; stop: () => void }>()
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  const look = async () => {
    const hosts = await deps.root.host.findMany({ select: { id: true, endpoint: true } })
    if (stopped) return
    const known = new Map(hosts.map((host) => [host.id, host.endpoint]))
    for (const [id, watch] of watched) {
      if (known.get(id) === watch.endpoint) continue
      watched.delete(id)
      alone(id, watch.stop)
    }
    for (const [id, endpoint] of known)
      if (!watched.has(id))
        alone(id, () => {
          const stop = deps.hosts.at(endpoint).hypervisor.subscribe((event) => onEvent(id, event))
          watched.set(id, { endpoint, stop })
        })
  }
  const alone = (hostId: string, work: () => void) => {
    try {
      work()
    } catch (error) {
      deps.log.warn({ err: error, hostId }, 'a host could not be watched')
    }
  }
  const again = () => {
    look()
      .catch((error) => deps.log.warn({ err: error }, 'hosts could not be looked up for their events'))
      .finally(() => {
        if (!stopped) timer = setTimeout(again, lookEveryMs)
      })
  }
  again()
  return () => {
    stopped = true
    clearTimeout(timer)
    for (const [id, watch] of watched) alone(id, watch.stop)
    watched.clear()
  }
}
