import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { createTurns } from '../turns.ts'
import type { IscsiAccess } from './iscsi-login.ts'
import { type IscsiSession, openSession, ScsiError, senseKeys } from './iscsi-session.ts'
import { blockOf, type Mark, markBytes, markIn, markOn, slots, volumeAt } from './lun-mark.ts'
import { isReadOn, type Seen, type SeenLuns, type SeenVolume, volumeSeenOn } from './luns-seen.ts'
import { type Disk, disksOf, exchange, read, reserved, tried, type Unreadable, type Within } from './scsi.ts'

/**
 * A LUN of a target. `mark`: what it says of itself when it belongs to this pool. `foreign`: why this pool must not touch it;
 * null when it may. A LUN without a mark that has no data where every known use has some is blank, and may be taken.
 */
export type Lun = {
  disk: Disk
  mark: Mark | null
  foreign: string | null
  /** Only of a LUN that cannot be read, or (not `isShown`) is missing. `volume`: as in Seen; undefined when it was never read. */
  unread?: { isShown: boolean; volume: SeenVolume | null | undefined }
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
export type OpenTarget = IscsiAccess & { id: string; host: string; seen: SeenLuns }

export async function withLuns<T>(op: Op, target: OpenTarget, work: (luns: Luns) => Promise<T>): Promise<T> {
  const session = await openSession(op, target)
  try {
    return await work(lunsOf(session, target))
  } finally {
    await session.close()
  }
}

export function lunsOf(
  session: IscsiSession,
  { id: pool, host, seen }: Pick<OpenTarget, 'id' | 'host' | 'seen'>,
): Luns {
  const reserving = <T>({ disk }: Lun, work: () => Promise<T>): Promise<T> => {
    let isReserved = false
    const within = () => {
      isReserved = true
      return work()
    }
    return reserved(session, disk, within).catch((error: unknown) => {
      throw !isReserved && isUnknown(error) ? unsupported() : error
    })
  }
  async function put(lun: Lun, wanted: Buffer): Promise<void> {
    const { disk, next, mark } = lun
    const change = async (within: Within) => {
      // Another system may have begun to use what was blank, at any place.
      if (mark === null && (await look(disk, within, true)).foreign !== null) return false
      return exchange(session, disk, next.at, { expected: next.contains, wanted, ...within })
    }
    // Nobody else changes what this host has, and a reservation would keep the server of a guest from its LUN.
    const isDone = await (mark?.by?.host === host ? change({}) : reserving(lun, () => change({ once: true })))
    if (!isDone) throw new LunChanged(lun)
  }
  /** Whether a LUN that begins with zeros has no data where every known use has some. */
  async function isBlankAt(disk: Disk, within: Within): Promise<boolean> {
    const edge = volumeAt
    const last = Math.floor((disk.sizeBytes - edge) / disk.blockBytes) * disk.blockBytes
    return (
      (await isZero(session, disk, { at: 0, length: edge }, within)) &&
      (await isZero(session, disk, { at: last, length: edge }, within))
    )
  }
  /** `isFresh`: what an earlier look has found does not count, because the LUN is to be taken. */
  async function look(disk: Disk, within: Within = {}, isFresh = false): Promise<Lun> {
    const begin = await read(session, disk, 0, markBytes, within)
    const { mark, next } = markOn(begin, disk.blockBytes)
    if (mark?.pool === pool) return { disk, mark, foreign: null, next }
    if (mark) return { disk, mark: null, foreign: `belongs to the pool ${mark.pool}`, next }
    const isBlank =
      begin.equals(Buffer.alloc(begin.length)) &&
      ((!isFresh && seen.isBlank(pool, disk)) || (await isBlankAt(disk, within)))
    seen.noteBlank(pool, disk, isBlank)
    return { disk, mark: null, foreign: isBlank ? null : 'has data that are not ours', next }
  }
  return {
    session,
    async all() {
      const { disks, unreadable } = await disksOf(session)
      const before = await seen.of(pool)
      const luns = unreadable.map((one) => unreadLun(one, before.get(one.number)))
      for (const disk of disks)
        if ([512, 4096].includes(disk.blockBytes) && disk.sizeBytes > 2 * volumeAt) {
          const found = await tried(() => look(disk))
          const known = before.get(disk.number)
          luns.push(typeof found === 'string' ? unreadLun({ ...disk, why: found }, known) : found)
        }
      await seen.learn(pool, newsOf(luns, before))
      luns.push(...missingLuns(luns, before))
      return luns.sort((a, b) => a.disk.number - b.disk.number)
    },
    change: (lun, mark) =>
      markTurns(`${host} ${pool} ${lun.disk.number}`, async () => {
        const { blockBytes } = lun.disk
        const wanted = blockOf({ ...mark, number: (lun.mark?.number ?? 0) + 1, pool }, blockBytes)
        await put(lun, wanted)
        const now = await look(lun.disk)
        if (!now.mark || !blockOf(now.mark, blockBytes).equals(wanted)) throw new LunChanged(lun)
        await seen.learn(pool, newsOf([now], new Map()))
        return now
      }),
    async forget(lun) {
      const nothing = Buffer.alloc(lun.disk.blockBytes)
      // The older mark goes first: on its own it would hold.
      await put(lun, nothing)
      const at = slots.find((one) => one !== lun.next.at) ?? slots[0]
      const contains = await read(session, lun.disk, at, lun.disk.blockBytes)
      // Another host may have taken the LUN meanwhile, and its mark stays.
      if (markIn(contains)?.number !== lun.mark?.number) throw new LunChanged(lun)
      await put({ ...lun, next: { at, contains } }, nothing)
    },
    tryReserving: (lun) => reserving(lun, async () => undefined),
  }
}

const noNext = { at: slots[0], contains: Buffer.alloc(0) }
const noDisk = { blockBytes: 512, sizeBytes: 0, unmaps: false }

function unreadLun({ address, number, why }: Unreadable, volume: SeenVolume | null | undefined): Lun {
  const unread = { isShown: true, volume }
  return {
    disk: { ...noDisk, address, number },
    mark: null,
    foreign: `cannot be read: ${why}`,
    unread,
    next: noNext,
  }
}

/** The LUNs that had volumes and that the target does not show any more, unless a volume is on another LUN now. */
function missingLuns(luns: readonly Lun[], before: Seen): Lun[] {
  return [...before].flatMap(([number, volume]) => {
    if (volume === null || isReadOn(luns, volume) || luns.some(({ disk }) => disk.number === number))
      return []
    const disk = { ...noDisk, address: Buffer.alloc(8), number }
    const foreign = 'is not shown by the target any more'
    return [{ disk, mark: null, foreign, unread: { isShown: false, volume }, next: noNext }]
  })
}

/** What has been read, and that a volume has left a LUN that is missing. */
function newsOf(luns: readonly Lun[], before: Seen): Seen {
  const read = luns.filter(({ unread }) => !unread)
  const news = new Map(read.map((lun) => [lun.disk.number, volumeSeenOn(lun)]))
  for (const [number, volume] of before)
    if (volume && isReadOn(read, volume) && !luns.some(({ disk }) => disk.number === number))
      news.set(number, null)
  return news
}

/** How much is read at once to find out whether a LUN is blank: most that are not have something at their begin. */
const zeroAtOnce = 128 * 1024

async function isZero(
  session: IscsiSession,
  disk: Disk,
  { at, length }: { at: number; length: number },
  within: Within,
): Promise<boolean> {
  for (let done = 0; done < length; done += zeroAtOnce) {
    const bytes = await read(session, disk, at + done, Math.min(zeroAtOnce, length - done), within)
    if (!bytes.equals(Buffer.alloc(bytes.length))) return false
  }
  return true
}

const isUnknown = (error: unknown): boolean =>
  error instanceof ScsiError && error.key === senseKeys.illegalRequest
const unsupported = () =>
  new DriverError(
    'unsupported',
    'The target does not let one host reserve a LUN (RESERVE of SCSI-2), without which two hosts could take one LUN. Allow that in the settings of the storage.',
  )
