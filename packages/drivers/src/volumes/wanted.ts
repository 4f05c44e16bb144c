import type { Op } from '../op.ts'
import type { CopySpec } from './interface.ts'

/** How long the copy of a move goes on that no call asks for any more, such as after a restored database. */
const unwantedMs = 30 * 60_000

/** The moves that calls ask for: each write of a guest goes to both pools until its move is over, or ended. */
export type Wanted = {
  /** Runs a call that wants the move. When it fails, and no call asks again, the copy is ended later. */
  during<T>(op: Op, spec: CopySpec, work: () => Promise<T>): Promise<T>
  /** Ends a copy later that an earlier agent has begun, unless a call asks for it by then. */
  adopt(op: Op, spec: CopySpec): void
  /** Whether a call has asked for the move of the volume, or its copy will be ended. */
  has(id: string): boolean
}

/** `end` ends a copy if it is still that of the move, and returns whether it was. */
export function createWanted(end: (op: Op, spec: CopySpec) => Promise<boolean>): Wanted {
  /** The last call, by the id of the volume. */
  const last = new Map<string, symbol>()
  function endLater(op: Op, spec: CopySpec, mine: symbol): void {
    const endNow = async () => {
      if (last.get(spec.id) !== mine) return
      if (await end({ ...op, progress: () => undefined }, spec))
        op.log.warn({ volume: spec.id }, 'a copy that nobody has asked for any more was ended')
      last.delete(spec.id)
    }
    const timer = setTimeout(() => {
      endNow().catch((err: unknown) => {
        op.log.warn({ err, volume: spec.id }, 'a copy that nobody wants could not be ended')
        endLater(op, spec, mine)
      })
    }, unwantedMs)
    timer.unref()
  }
  return {
    has: (id) => last.has(id),
    adopt(op, spec) {
      const mine = Symbol('adopted')
      last.set(spec.id, mine)
      endLater(op, spec, mine)
    },
    async during(op, spec, work) {
      const mine = Symbol('call')
      last.set(spec.id, mine)
      try {
        const done = await work()
        if (last.get(spec.id) === mine) last.delete(spec.id)
        return done
      } catch (error) {
        endLater(op, spec, mine)
        throw error
      }
    },
  }
}
