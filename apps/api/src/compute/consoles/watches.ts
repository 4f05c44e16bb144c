import { setTimeout as sleep } from 'node:timers/promises'
import type { EventHub } from '../../kernel/event-hub.ts'

/** However quiet the event log is, rights are checked again this often. */
const recheckMs = 500
/**
 * A check of many consoles takes time. After a check of some length, no check begins without an event for this many
 * times that length.
 */
const restTimes = 4

/** Kinds of rows after which somebody's right to a console may have changed. */
const about = new Set(['user', 'project', 'domain', 'session', 'role'])

type Session = { sessionId: string; instanceId: string }
type Watch<S> = { session: S; told: (over: string | null) => void }

/**
 * Checks the rights of all open consoles together: a hundred consoles of one user at one guest cost as much as one.
 * `ask` returns for each session the reason why it is over, or null; when `ask` fails, no watcher is told anything.
 */
export class ConsoleWatches<S extends Session> {
  readonly #ask: (sessions: S[]) => Promise<Map<string, string | null>>
  readonly #failed: (error: unknown) => void
  readonly #watches = new Set<Watch<S>>()
  #due = new Set<Watch<S>>()
  #busy = false
  #timer: NodeJS.Timeout | null = null

  constructor(
    hub: Pick<EventHub, 'onRows'>,
    ask: (sessions: S[]) => Promise<Map<string, string | null>>,
    failed: (error: unknown) => void,
  ) {
    this.#ask = ask
    this.#failed = failed
    hub.onRows((rows) => {
      const everybody = rows.some((row) => about.has(row.resourceKind))
      const ids = new Set(rows.map((row) => row.resourceId))
      for (const watch of this.#watches)
        if (everybody || ids.has(watch.session.instanceId)) this.#due.add(watch)
      void this.#run()
    })
  }

  /** Adds a watch. `told` receives the result of each check; the returned function ends the watch. */
  add(session: S, told: (over: string | null) => void): () => void {
    const watch = { session, told }
    this.#watches.add(watch)
    this.#due.add(watch)
    void this.#run()
    return () => {
      this.#watches.delete(watch)
      this.#due.delete(watch)
    }
  }

  async #run(): Promise<void> {
    if (this.#busy || this.#due.size === 0) return
    this.#busy = true
    if (this.#timer) clearTimeout(this.#timer)
    let took = 0
    while (this.#due.size > 0) {
      // When events come close together, even thousands of them, half of the time is left to other work.
      if (took > 0) await sleep(took)
      const batch = [...this.#due]
      this.#due = new Set()
      const began = performance.now()
      await this.#round(batch)
      took = performance.now() - began
    }
    this.#busy = false
    if (this.#watches.size === 0) return
    this.#timer = setTimeout(
      () => {
        this.#due = new Set(this.#watches)
        void this.#run()
      },
      Math.max(recheckMs, restTimes * took),
    ).unref()
  }

  async #round(batch: Watch<S>[]): Promise<void> {
    try {
      const answers = await this.#ask(batch.map(({ session }) => session))
      for (const watch of batch) {
        const over = answers.get(watch.session.sessionId)
        if (over !== undefined && this.#watches.has(watch)) watch.told(over)
      }
    } catch (error) {
      this.#failed(error)
    }
  }
}
