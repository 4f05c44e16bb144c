import pLimit from 'p-limit'
import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'

/** Runs changes one after the other. A change takes milliseconds and every tool it runs has a time limit. */
export class Lock {
  readonly #turn = pLimit(1)

  run<T>(op: Op, work: () => Promise<T>): Promise<T> {
    return this.#turn(() => {
      if (op.signal.aborted)
        throw new DriverError('unavailable', 'The call was given up before its turn came.')
      return work()
    })
  }
}

/** The same Op with time of its own, for undoing what a cancelled call has begun. */
export function cleanupOp(op: Op): Op {
  return { ...op, signal: AbortSignal.timeout(15_000), progress: (text) => op.progress(text) }
}
