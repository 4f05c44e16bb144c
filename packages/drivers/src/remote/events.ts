import { DriverError } from '../errors.ts'
import type { HypervisorEvent } from '../hypervisor/interface.ts'
import { fromWireError, type WireEvent } from './protocol.ts'
import { type AgentConnection, ask, lines } from './transport.ts'

type Listener = (event: HypervisorEvent) => void

/**
 * One event stream to an agent, shared by every subscriber, open while there is one. It connects
 * again by itself. Each time it connects the agent first sends the state of all its guests, and
 * what differs from what was last told is told now: nothing is missed, only possibly merged.
 */
export class EventStream {
  readonly #connection: AgentConnection
  readonly #onTrouble: (error: Error) => void
  readonly #listeners = new Set<Listener>()
  readonly #told = new Map<string, string>()
  #stop: AbortController | null = null

  constructor(connection: AgentConnection, onTrouble: (error: Error) => void) {
    this.#connection = connection
    this.#onTrouble = onTrouble
  }

  subscribe(listener: Listener): () => void {
    const own: Listener = (event) => listener(event)
    this.#listeners.add(own)
    if (!this.#stop) {
      this.#stop = new AbortController()
      void this.#run(this.#stop.signal)
    }
    return () => {
      this.#listeners.delete(own)
      if (this.#listeners.size === 0) this.close()
    }
  }

  close(): void {
    this.#stop?.abort()
    this.#stop = null
    this.#listeners.clear()
    this.#told.clear()
  }

  async #run(signal: AbortSignal): Promise<void> {
    let waitMs = 100
    while (!signal.aborted) {
      try {
        const response = await ask(this.#connection, { method: 'GET', path: '/v1/events', signal })
        for await (const line of lines<WireEvent>(this.#connection, response)) {
          if (signal.aborted) return
          waitMs = 100
          this.#take(line)
        }
        throw new DriverError('unavailable', `The agent at ${this.#connection.name} ended its events.`)
      } catch (error) {
        if (signal.aborted) return
        this.#onTrouble(error as Error)
        await pause(waitMs, signal)
        waitMs = Math.min(waitMs * 2, 5_000)
      }
    }
  }

  #take(line: WireEvent): void {
    if ('error' in line) throw fromWireError(line.error)
    if ('event' in line) this.#tell(line.event)
    if ('snapshot' in line) {
      const present = new Set(line.snapshot.map((event) => event.instanceId))
      for (const id of this.#told.keys()) if (!present.has(id)) this.#told.delete(id)
      for (const event of line.snapshot)
        if (this.#told.get(event.instanceId) !== event.power) this.#tell(event)
    }
  }

  #tell(event: HypervisorEvent): void {
    this.#told.set(event.instanceId, event.power)
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        this.#onTrouble(error as Error)
      }
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
