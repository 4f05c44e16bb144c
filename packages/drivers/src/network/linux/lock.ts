import pLimit from 'p-limit'
import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'

/** Runs changes one after the other. A change takes milliseconds and every tool it runs has a time limit. */
export class Lock {
  readonly #turn = pLimit(1)

  run<T>(op: Op, work: () => Promise<T>): Promise<T> {
    return this.#turn(() => {
      if (op.signal.aborted)
        throw new DriverError('unavailable', 'The call was cancelled before its turn came.')
      return work()
    })
  }
}

/** A copy of the Op with 15 s of its own, to undo what a cancelled call has begun. */
export function cleanupOp(op: Op): Op {
  return { ...op, signal: AbortSignal.timeout(15_000), progress: (text) => op.progress(text) }
}
