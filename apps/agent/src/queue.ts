import { DriverError } from '@stratolith/drivers/errors'

/**
 * Calls that change one thing run one after the other. A worker that was killed and started again
 * repeats its call while the first one is still cleaning up: the repetition waits for that. A
 * removal cancels what is under way or waiting on its key, which then ends in `conflict`.
 */
export class KeyedQueue {
  readonly #keys = new Map<string, { tail: Promise<void>; calls: Set<AbortController> }>()

  async run<T>(
    key: string,
    call: (cancelled: AbortSignal) => Promise<T>,
    options: { preempts: boolean },
  ): Promise<T> {
    const entry = this.#keys.get(key) ?? { tail: Promise.resolve(), calls: new Set() }
    this.#keys.set(key, entry)
    if (options.preempts) for (const other of entry.calls) other.abort()
    const abort = new AbortController()
    entry.calls.add(abort)
    const mine = entry.tail.then(() => {
      if (abort.signal.aborted) throw cancelled(key)
      return call(abort.signal)
    })
    entry.tail = mine.then(
      () => undefined,
      () => undefined,
    )
    try {
      return await mine
    } catch (error) {
      throw abort.signal.aborted ? cancelled(key, error) : error
    } finally {
      entry.calls.delete(abort)
      if (entry.calls.size === 0) this.#keys.delete(key)
    }
  }
}

const cancelled = (key: string, cause?: unknown) =>
  new DriverError('conflict', `Cancelled: ${key} is being removed.`, { cause })
