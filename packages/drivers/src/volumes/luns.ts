import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { createTurns } from '../turns.ts'
import type { IscsiAccess } from './iscsi-login.ts'
import { type IscsiSession, openSession, ScsiError, senseKeys } from './iscsi-session.ts'
import { blockOf, type Mark, markBytes, markIn, markOn, slots, volumeAt } from './lun-mark.ts'
import { type Disk, disksOf, exchange, read, reserved } from './scsi.ts'

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
  /** Raises `unsupported` when the target does not let one session reserve a LUN. Changes nothing. */
  tryReserving(lun: Lun): Promise<void>
}

/** One call of this process at a time writes a mark of a LUN: what the host itself has is not reserved. */
const markTurns = createTurns()

/** The largest volume that fits on the LUN, in bytes. */
export const roomOn = ({ disk }: Pick<Lun, 'disk'>): number => Math.max(0, disk.sizeBytes - volumeAt)

/** The way to a pool's target, as the host of that name goes it. */
export type OpenTarget = IscsiAccess & { id: string; host: string }

export async function withLuns<T>(op: Op, target: OpenTarget, work: (luns: Luns) => Promise<T>): Promise<T> {
  const session = await openSession(op, target)
  try {
    return await work(lunsOf(session, target))
  } finally {
    await session.close()
  }
}

export function lunsOf(session: IscsiSession, { id: pool, host }: Pick<OpenTarget, 'id' | 'host'>): Luns {
  const reserving = <T>({ disk }: Lun, work: () => Promise<T>): Promise<T> =>
    reserved(session, disk, work).catch((error: unknown) => {
      throw isUnknown(error) ? unsupported() : error
    })
  async function put(lun: Lun, wanted: Buffer): Promise<void> {
    const { disk, next, mark } = lun
    const change = () => exchange(session, disk, next.at, { expected: next.contains, wanted })
    // Nobody else changes what this host has, and a reservation would keep the server of a guest from its LUN.
    const isDone = await (mark?.by?.host === host ? change() : reserving(lun, change))
    if (!isDone) throw new LunChanged(lun)
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
    change: (lun, mark) =>
      markTurns(`${host} ${pool} ${lun.disk.number}`, async () => {
        const { blockBytes } = lun.disk
        const wanted = blockOf({ ...mark, number: (lun.mark?.number ?? 0) + 1, pool }, blockBytes)
        await put(lun, wanted)
        const now = await look(lun.disk)
        if (!now.mark || !blockOf(now.mark, blockBytes).equals(wanted)) throw new LunChanged(lun)
        return now
      }),
    async forget(lun) {
      const nothing = Buffer.alloc(lun.disk.blockBytes)
      // The older mark goes first: on its own it would hold.
      await put(lun, nothing)
      const at = slots.find((one) => one !== lun.next.at) ?? slots[0]
      const contains = await read(session, lun.disk, at, lun.disk.blockBytes)
      // Another host may have taken the LUN between the two.
      if (markIn(contains)?.number !== lun.mark?.number) throw new LunChanged(lun)
      await put({ ...lun, next: { at, contains } }, nothing)
    },
    tryReserving: (lun) => reserving(lun, async () => undefined),
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
    'The target does not let one host reserve a LUN (RESERVE of SCSI-2), without which two hosts could take one LUN. Allow that in the settings of the storage.',
  )
