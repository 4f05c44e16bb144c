import { setTimeout as sleep } from 'node:timers/promises'
import type { Op } from '@stratolith/drivers/op'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, conflict } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { askForEnd, isUnwanted } from '../../kernel/unwanted.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import { type VolumeView, volumeCan } from '../contract.ts'
import { demand, historyOf, lockVolume, noteVolume, viewOfOne } from '../row.ts'
import type { Move } from './places.ts'

/** The end of a move that somebody does not want any more. */

const lookEveryMs = 2_000

/**
 * Asks for the end of a move that copies. The host knows whether the volume has moved already; then the volume stays in its new pool.
 * Throws conflict when the volume is not being moved, and forbidden for a move that an administrator has begun.
 */
export async function stopMove(ctx: Ctx, { id }: { id: string }): Promise<VolumeView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockVolume(tx, 'volume:stop_move', id)
    if (before.state === 'maintenance') authorize(tx, 'volume:migrate', before)
    demand(volumeCan.stopMove, before)
    const move = { resourceKind: 'volume', resourceId: id, actions: ['volume.retype', 'volume.migrate'] }
    if (!(await askForEnd(tx, move)))
      throw conflict('The move of this volume is being ended already.', 'volumeState')
    await recordOperation(tx, historyOf(before, 'volume.stop_move'))
    await noteVolume(tx, before, 'updated')
    return before
  })
  return viewOfOne(ctx, row)
}

/** Whether somebody has asked for the end of the move. */
export const isStopped = ({ ctx, operationId }: Pick<Move, 'ctx' | 'operationId'>): Promise<boolean> =>
  isUnwanted(ctx, operationId)

const stopped = () => new CloudError('conflict', 'The move was stopped.')
/** Raises when somebody has asked for the end of the move. */
export async function refuseStopped(run: Move): Promise<void> {
  if (await isStopped(run)) throw stopped()
}

/** Runs the copying of a move until somebody asks for its end; then it raises, and the move is undone. */
export async function untilStopped<T>(run: Move, work: (op: Op) => Promise<T>): Promise<T> {
  const [stop, over] = [new AbortController(), new AbortController()]
  await refuseStopped(run)
  const look = async () => {
    while (!over.signal.aborted) {
      await sleep(lookEveryMs, undefined, { signal: over.signal, ref: false }).catch(() => undefined)
      // A database that does not answer for a moment is asked again.
      const isOver = await isStopped(run).catch((err: unknown) => {
        run.ctx.log.warn({ err }, 'nobody knows whether a move is to be stopped')
        return false
      })
      if (isOver) return stop.abort(stopped())
    }
  }
  void look()
  const before = run.op.signal
  const ended = AbortSignal.any([before, stop.signal])
  const op: Op = {
    ...run.op,
    // A getter, as in op itself: each call checks the lease.
    get signal() {
      return run.op.signal === before ? ended : AbortSignal.any([run.op.signal, stop.signal])
    },
  }
  try {
    return await work(op)
  } catch (error) {
    throw stop.signal.aborted ? stopped() : error
  } finally {
    over.abort()
  }
}
