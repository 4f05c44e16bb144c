import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { ObservedVolume } from './interface.ts'
import type { Lun } from './luns.ts'
import type { Disk } from './scsi.ts'

const volumeSchema = z.object({
  id: z.string(),
  sizeBytes: z.int().min(0),
  edition: z.int().min(1).optional(),
})
const seenSchema = z.array(z.tuple([z.int(), volumeSchema.nullable()]))
/** What this host has seen of a volume on a LUN. */
export type SeenVolume = z.output<typeof volumeSchema>
/** By the number of a LUN: its volume; null when it had none. */
export type Seen = ReadonlyMap<number, SeenVolume | null>

/**
 * What this host saw last on the LUNs of its pools, in files that outlive a restart. A LUN that cannot be read, or that the
 * target does not show any more, may have a volume: without this memory, the volume would be taken for one that is gone.
 */
export type SeenLuns = {
  of(pool: string): Promise<Seen>
  learn(pool: string, news: Seen): Promise<void>
  forget(pool: string): Promise<void>
  /**
   * Whether the LUN was blank when it was read where every known use has data, which is 2 MiB, a short while ago. Whoever takes
   * such a LUN reads it again.
   */
  isBlank(pool: string, disk: Disk): boolean
  noteBlank(pool: string, disk: Disk, isBlank: boolean): void
}

/** How long a LUN counts as blank that nobody has looked at again, in ms. */
const blankMs = 10 * 60_000

export function seenLuns(dir: string, log: Logger): SeenLuns {
  const known = new Map<string, Map<number, SeenVolume | null>>()
  /** Until when LUNs count as blank. */
  const blank = new Map<string, number>()
  const blankKey = (pool: string, { number, sizeBytes }: Disk) => `${pool} ${number} ${sizeBytes}`
  const isBlank = (pool: string, disk: Disk) => (blank.get(blankKey(pool, disk)) ?? 0) > Date.now()
  const inTurn = pLimit(1)
  const fileOf = (pool: string) => path.join(dir, pool)
  async function load(pool: string): Promise<Map<number, SeenVolume | null>> {
    const before = known.get(pool)
    if (before) return before
    const text = await readFile(fileOf(pool), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return '[]'
    })
    const found = new Map(seenSchema.parse(JSON.parse(text)))
    known.set(pool, found)
    return found
  }
  async function save(pool: string, now: Seen): Promise<void> {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await writeFile(`${fileOf(pool)}.part`, JSON.stringify([...now]), { mode: 0o600, flush: true })
    await rename(`${fileOf(pool)}.part`, fileOf(pool))
  }
  return {
    of: (pool) => inTurn(async () => new Map(await load(pool))),
    learn: (pool, news) =>
      inTurn(async () => {
        const now = await load(pool)
        const before = JSON.stringify([...now])
        for (const [number, volume] of news) now.set(number, volume)
        if (JSON.stringify([...now]) === before) return
        // A full disk must not keep a guest from giving its volume back. This process knows what it has seen.
        await save(pool, now).catch((err: unknown) =>
          log.warn({ err, pool }, 'what a host has seen on LUNs cannot be kept'),
        )
      }),
    forget: (pool) =>
      inTurn(async () => {
        known.delete(pool)
        await rm(fileOf(pool), { force: true })
      }),
    isBlank,
    noteBlank(pool, disk, isBlankNow) {
      if (!isBlankNow) blank.delete(blankKey(pool, disk))
      else if (!isBlank(pool, disk)) blank.set(blankKey(pool, disk), Date.now() + blankMs)
    },
  }
}

/** What a LUN that was read has; see Seen. */
export const volumeSeenOn = ({ mark }: Lun): SeenVolume | null =>
  mark?.state === 'volume' && mark.id !== undefined
    ? { id: mark.id, sizeBytes: mark.sizeBytes ?? 0, ...(mark.edition ? { edition: mark.edition } : {}) }
    : null

/** Whether one of the LUNs that were read has the volume with what it contained when it was seen, or newer contents. */
export const isReadOn = (luns: readonly Lun[], { id, edition = 1 }: SeenVolume): boolean =>
  luns.some((lun) => volumeSeenOn(lun)?.id === id && editionOf(lun) >= edition)

const unsure = ({ disk, foreign, unread }: Lun, what: string) =>
  new DriverError(
    'unavailable',
    `The LUN ${disk.number} ${foreign}. ${what} Mend the LUN in the storage; or, when nobody needs its data, ${
      unread?.isShown ? 'do not show it to the hosts' : 'show an empty LUN with that number'
    }.`,
  )

/** Raises `unavailable` when a LUN may have the volume, so that nobody can say that the volume is gone. */
export function demandGone(luns: readonly Lun[], id: string): void {
  const hides = luns.find(({ unread }) => unread && (unread.isShown || unread.volume?.id === id))
  if (hides) throw unsure(hides, `It may have the volume ${id}.`)
}

/** The edition of the volume on a LUN: new contents come on another LUN, with the next edition. */
export const editionOf = ({ mark }: Lun): number => mark?.edition ?? 1
/** Whether a guest or a backup has what is on the LUN. */
export const isHeld = ({ mark }: Lun): boolean => Boolean(mark?.by?.guest || mark?.by?.backup)

/**
 * A LUN that cannot be read and may have newer contents of the volume on `lun`: it had them when this host read it last; or a host
 * has begun to work on the volume, so that they may have come on any LUN since.
 */
function newerOn(luns: readonly Lun[], lun: Lun): Lun | undefined {
  const isWorkedOn = lun.mark?.by !== undefined && !isHeld(lun)
  return luns.find(({ unread }) => {
    if (!unread) return false
    const { isShown, volume } = unread
    const wasNewer = volume?.id === lun.mark?.id && (volume?.edition ?? 1) > editionOf(lun)
    return wasNewer || (isShown && isWorkedOn)
  })
}
/** Whether what is on the LUN may be the old contents of its volume. */
export const mayBeOld = (luns: readonly Lun[], lun: Lun): boolean => newerOn(luns, lun) !== undefined

/** Raises `unavailable` when what is on the LUN may be the old contents of its volume. */
export function demandNewest(luns: readonly Lun[], lun: Lun): void {
  const newer = newerOn(luns, lun)
  if (newer)
    throw unsure(
      newer,
      `It may have what the volume ${lun.mark?.id} contains now, and the LUN ${lun.disk.number} what it contained before.`,
    )
}

/** Raises `unavailable` when there are LUNs of which nobody knows what they have now. */
export function demandAllRead(luns: readonly Lun[]): void {
  const unread = luns.find((lun) => lun.unread)
  if (unread) throw unsure(unread, 'It may have a volume.')
}

/**
 * The volumes on LUNs that cannot be read now, as this host saw them last. Raises `unavailable` when there is such a LUN that
 * this host has never read: a list without its volume would say that the volume is gone.
 */
export function unreadVolumes(luns: readonly Lun[]): ObservedVolume[] {
  const found = luns.flatMap((lun) => {
    if (!lun.unread) return []
    const { volume } = lun.unread
    if (volume === undefined) throw unsure(lun, 'It may have a volume.')
    return volume && !luns.some(({ mark }) => mark?.id === volume.id) ? [volume] : []
  })
  return found.map(({ id, sizeBytes }) => ({ id, sizeBytes, usedBytes: sizeBytes, mergeable: 0 }))
}
