import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { IscsiAccess } from './iscsi-login.ts'
import { type IscsiSession, openSession, ScsiError, senseKeys } from './iscsi-session.ts'
import { blockOf, type Mark, markBytes, markOn, slots, volumeAt } from './lun-mark.ts'
import { type Disk, disksOf, exchange, flush, read } from './scsi.ts'

/**
 * A LUN of a target. `mark`: what it says of itself when it belongs to this pool. `foreign`: why this pool must not touch it;
 * null when it may. A LUN without a mark that has no data where every known use has some is blank, and may be taken.
 */
export type Lun = {
  disk: Disk
  mark: Mark | null
  foreign: string | null
  next: { at: number; contains: Buffer }
}

/** Another host has changed a LUN since it was looked at. The call is to be repeated. */
export class LunChanged extends DriverError {
  constructor({ disk }: Lun) {
    super('unavailable', `Another host has changed the LUN ${disk.number} meanwhile.`)
  }
}

/** The LUNs of a pool's target, as one session sees them. */
export type Luns = {
  session: IscsiSession
  all(): Promise<Lun[]>
  /** Writes a mark unless the LUN has changed since it was looked at, and then raises LunChanged. */
  change(lun: Lun, mark: Omit<Mark, 'number' | 'pool'>): Promise<Lun>
  /** Removes our mark from a LUN that is free. */
  forget(lun: Lun): Promise<void>
  /** Raises `unsupported` when the target cannot change a block in one step. Changes nothing. */
  tryExchange(lun: Lun): Promise<void>
}

/** The largest volume that fits on the LUN, in bytes. */
export const roomOn = ({ disk }: Pick<Lun, 'disk'>): number => Math.max(0, disk.sizeBytes - volumeAt)

export async function withLuns<T>(
  op: Op,
  { id, ...access }: IscsiAccess & { id: string },
  work: (luns: Luns) => Promise<T>,
): Promise<T> {
  const session = await openSession(op, access)
  try {
    return await work(lunsOf(session, id))
  } finally {
    await session.close()
  }
}

export function lunsOf(session: IscsiSession, pool: string): Luns {
  async function put(lun: Lun, wanted: Buffer): Promise<boolean> {
    const { disk, next } = lun
    const isDone = await exchange(session, disk, next.at, { expected: next.contains, wanted }).catch(
      (error) => {
        throw isUnknown(error) ? unsupported() : error
      },
    )
    if (isDone) await flush(session, disk)
    return isDone
  }
  async function look(disk: Disk): Promise<Lun> {
    const begin = await read(session, disk, 0, markBytes)
    const { mark, next } = markOn(begin, disk.blockBytes)
    if (mark?.pool === pool) return { disk, mark, foreign: null, next }
    if (mark) return { disk, mark: null, foreign: `belongs to the pool ${mark.pool}`, next }
    const edge = volumeAt
    const isBlank =
      (await isZero(session, disk, 0, edge)) &&
      (await isZero(
        session,
        disk,
        Math.floor((disk.sizeBytes - edge) / disk.blockBytes) * disk.blockBytes,
        edge,
      ))
    return { disk, mark: null, foreign: isBlank ? null : 'has data that are not ours', next }
  }
  return {
    session,
    async all() {
      const luns: Lun[] = []
      for (const disk of await disksOf(session))
        if ([512, 4096].includes(disk.blockBytes) && disk.sizeBytes > 2 * volumeAt)
          luns.push(await look(disk))
      return luns
    },
    async change(lun, mark) {
      const block = blockOf({ ...mark, number: (lun.mark?.number ?? 0) + 1, pool }, lun.disk.blockBytes)
      if (!(await put(lun, block))) throw new LunChanged(lun)
      const now = await look(lun.disk)
      // A target that does not do the exchange in one step may have taken the mark of another host since.
      if (!(await read(session, lun.disk, lun.next.at, lun.disk.blockBytes)).equals(block))
        throw new LunChanged(lun)
      return now
    },
    async forget(lun) {
      const nothing = Buffer.alloc(lun.disk.blockBytes)
      // The older mark goes first: on its own it would hold.
      if (!(await put(lun, nothing))) throw new LunChanged(lun)
      const own = slots.find((at) => at !== lun.next.at) ?? slots[0]
      const contains = await read(session, lun.disk, own, lun.disk.blockBytes)
      if (!(await put({ ...lun, next: { at: own, contains } }, nothing))) throw new LunChanged(lun)
    },
    async tryExchange(lun) {
      await put(lun, lun.next.contains)
    },
  }
}

async function isZero(session: IscsiSession, disk: Disk, at: number, length: number): Promise<boolean> {
  const bytes = await read(session, disk, at, length)
  return bytes.equals(Buffer.alloc(length))
}

const isUnknown = (error: unknown): boolean =>
  error instanceof ScsiError && error.key === senseKeys.illegalRequest
const unsupported = () =>
  new DriverError(
    'unsupported',
    'The target does not know COMPARE AND WRITE (ATS, VAAI), without which two hosts could take one LUN. Allow it in the settings of the storage.',
  )
