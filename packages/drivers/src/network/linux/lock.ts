import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'

/** Runs changes one after the other. A change takes milliseconds and every tool it runs has a time limit. */
export class Lock {
  #tail: Promise<unknown> = Promise.resolve()

  run<T>(op: Op, work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(() => {
      if (op.signal.aborted)
        throw new DriverError('unavailable', 'The call was given up before its turn came.')
      return work()
    })
    this.#tail = turn.catch(() => undefined)
    return turn
  }
}

/** The same Op with time of its own, for undoing what a cancelled call has begun. */
export function cleanupOp(op: Op): Op {
  return { ...op, signal: AbortSignal.timeout(15_000), progress: (text) => op.progress(text) }
}
