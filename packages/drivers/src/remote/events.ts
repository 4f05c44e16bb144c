import { DriverError } from '../errors.ts'
import type { HypervisorEvent, PowerState } from '../hypervisor/interface.ts'
import { hypervisorEvent } from '../hypervisor/observed.ts'
import { wireEvent } from './answers.ts'
import { fromWireError } from './protocol.ts'
import { type AgentConnection, ask, lines } from './transport.ts'

type Listener = (event: HypervisorEvent) => void

/** How many guests' states are remembered: more than a host has, so that an agent that invents guests cannot fill the memory. */
export const rememberedGuests = 10_000

/**
 * The event stream of an agent, shared by all subscribers and open while there is one. It connects
 * again by itself. At each connection the agent first sends the state of all its guests, and subscribers get
 * those states that differ from the last event of the guest: no state is missed, although several changes may become
 * one event. When a host has more guests than are remembered, the least recently changed are told again.
 */
export class EventStream {
  readonly #connection: AgentConnection
  readonly #onTrouble: (error: Error) => void
  readonly #listeners = new Set<Listener>()
  /** The power state last told of each guest, in the order of telling. */
  readonly #told = new Map<string, PowerState>()
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
        for await (const line of lines(this.#connection, response)) {
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

  #take(line: unknown): void {
    const { error, event, snapshot } = wireEvent.parse(line)
    if (error) throw fromWireError(error)
    if (event !== undefined) for (const sound of this.#sound([event])) this.#tell(sound)
    if (snapshot) {
      const events = this.#sound(snapshot)
      const present = new Set(events.map((event) => event.instanceId))
      for (const id of this.#told.keys()) if (!present.has(id)) this.#told.delete(id)
      for (const event of events) if (this.#told.get(event.instanceId) !== event.power) this.#tell(event)
    }
  }

  /** Returns the well-formed events; a malformed event is reported and does not stop the others. */
  #sound(said: readonly unknown[]): HypervisorEvent[] {
    const parsed = said.map((one) => hypervisorEvent.safeParse(one))
    const wrong = parsed.find(({ error }) => error)?.error
    if (wrong) this.#onTrouble(wrong)
    return parsed.flatMap(({ data }) => data ?? [])
  }

  #tell(event: HypervisorEvent): void {
    this.#told.delete(event.instanceId)
    this.#told.set(event.instanceId, event.power)
    const [oldest] = this.#told.keys()
    if (this.#told.size > rememberedGuests && oldest !== undefined) this.#told.delete(oldest)
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
