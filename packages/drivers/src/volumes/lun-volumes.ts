import type { Logger } from 'pino'
import { DriverError } from '../errors.ts'
import { backgroundOp, type Op } from '../op.ts'
import type { Refill } from './interface.ts'
import { type Mark, volumeAt } from './lun-mark.ts'
import { type Lun, LunChanged, type Luns, type OpenTarget, roomOn, withLuns } from './luns.ts'
import { demandGone, demandNewest, editionOf, isHeld, mayBeOld } from './luns-seen.ts'
import { flush, read, unstoredAt, write, zero } from './scsi.ts'

/** What is written on a LUN before a volume is whole there. */
type Wish = Pick<Mark, 'id' | 'copyId' | 'edition'> & { id: string; sizeBytes: number }

/**
 * How often a host that fills a LUN writes the mark again, in ms: how far the LUN is wiped, and to find out whether the LUN was
 * taken from the host meanwhile.
 */
const noteMs = 5_000

/**
 * The LUNs with the whole volume of that id and its highest edition, those that somebody has first. Several are there when the
 * storage shows a copy of a LUN, or one LUN by two numbers: nobody knows which one is the volume.
 */
export function volumesOn(luns: readonly Lun[], id: string): Lun[] {
  const all = luns.filter(({ mark }) => mark?.state === 'volume' && mark.id === id)
  const highest = Math.max(...all.map(editionOf))
  return all.filter((lun) => editionOf(lun) === highest).sort((a, b) => Number(isHeld(b)) - Number(isHeld(a)))
}

/**
 * The LUN with the whole volume of that id; null when there is none. Of several, the one that somebody has; raises `conflict`
 * when that does not decide, and `unavailable` when a LUN that cannot be read may have the volume, or its newer contents.
 */
export function volumeOn(luns: readonly Lun[], id: string): Lun | null {
  const found = volumesOn(luns, id)
  const [first, second] = found
  if (!first) demandGone(luns, id)
  // What a guest or a backup has is not replaced.
  else if (!isHeld(first)) demandNewest(luns, first)
  if (!first || !second || (isHeld(first) && !isHeld(second))) return first ?? null
  const numbers = found.map(({ disk }) => disk.number).join(' and ')
  throw new DriverError(
    'conflict',
    `The LUNs ${numbers} both say that they are the volume ${id}. Take the one that is a copy away from the target.`,
  )
}

/**
 * Whether new contents have taken the place of what is on the LUN: the host that brings them has the old LUN until it retires
 * it. An old copy that the storage shows has no such owner, and is left alone.
 */
const isReplaced = (all: readonly Lun[], lun: Lun): boolean =>
  lun.mark?.state === 'volume' &&
  lun.mark.by !== undefined &&
  !isHeld(lun) &&
  all.some(
    (other) =>
      other.mark?.id === lun.mark?.id && other.mark?.state === 'volume' && editionOf(other) > editionOf(lun),
  )

/** Where the last whole block of a LUN ends. */
const endOf = ({ disk: { sizeBytes, blockBytes } }: Lun): number =>
  Math.floor(sizeBytes / blockBytes) * blockBytes
const isReady = (lun: Lun): boolean => lun.mark?.state === 'free' && (lun.mark.at ?? volumeAt) >= endOf(lun)

const canBeTaken = ({ mark, foreign }: Lun): boolean =>
  foreign === null && (mark === null || mark.state === 'free' || mark.state === 'wiping')
/** Whether a LUN counts as room of this pool. */
export const isOurs = ({ foreign }: Lun): boolean => foreign === null

/**
 * Makes volumes on LUNs, and makes LUNs free again. A volume takes the smallest free LUN on which it fits. A LUN is filled with
 * zeros before it is free, also before its first use: nobody knows what was there. The work goes on when no call waits for it,
 * and a host goes on with it after a restart.
 */
export class LunVolumes {
  readonly #host: string
  readonly #log: Logger
  /** The LUNs that this process wipes. */
  readonly #wipes = new Map<string, Promise<void>>()
  /** On how many things with each volume this process works: to replace what a volume contains is one within another. */
  readonly #working = new Map<string, number>()
  /** The volumes for which this process has begun to bring new contents on another LUN. */
  readonly #replacing = new Set<string>()
  readonly #end = new AbortController()

  constructor(host: string, log: Logger) {
    this.#host = host
    this.#log = log
  }

  async close(): Promise<void> {
    this.#end.abort()
    await Promise.allSettled(this.#wipes.values())
  }

  /** Makes the volume with the content that `fill` writes on a LUN of zeros; or what there is of it is wiped. */
  async make(op: Op, pool: OpenTarget, wish: Wish, fill: (volume: Refill) => Promise<void>): Promise<Lun> {
    const key = workOn(pool.id, wish.id)
    if (wish.edition !== undefined) this.#replacing.add(key)
    this.#begin(key)
    try {
      for (;;) {
        const found = await withLuns(op, pool, async (luns) => {
          const lun = await this.#take(luns, pool, wish)
          return lun.mark?.state === 'making' ? this.#fill(op, luns, lun, { wish, fill }) : lun
        }).catch((error: unknown) => {
          if (error instanceof LunChanged) return null
          throw error
        })
        op.signal.throwIfAborted()
        if (found?.mark?.state === 'volume') return found
        if (!found) continue
        op.progress(`filling the LUN ${found.disk.number} with zeros`)
        await untilAborted(op, this.wipe(pool, found.disk.number))
      }
    } catch (error) {
      await this.#abandon(pool, wish.id)
      throw error
    } finally {
      this.#finish(key)
    }
  }

  #begin(key: string): void {
    this.#working.set(key, (this.#working.get(key) ?? 0) + 1)
  }

  #finish(key: string): void {
    const left = (this.#working.get(key) ?? 1) - 1
    if (left > 0) this.#working.set(key, left)
    else this.#working.delete(key)
  }

  /** Takes the smallest LUN that is large enough. One that has to be wiped before is only marked so. */
  async #take(luns: Luns, pool: OpenTarget, { id, sizeBytes, edition }: Wish): Promise<Lun> {
    const all = await luns.all()
    for (const same of sameOn(all, { id, edition })) await this.#yield(luns, pool, same)
    const fitting = all.filter((lun) => canBeTaken(lun) && roomOn(lun) >= sizeBytes)
    const [best] = fitting
      .filter(({ mark }) => mark?.state !== 'wiping' || mark.by?.host === this.#host)
      .sort((a, b) => roomOn(a) - roomOn(b) || Number(isReady(b)) - Number(isReady(a)))
    if (!best) throw noRoom(all, sizeBytes)
    const by = { host: this.#host }
    if (!isReady(best))
      return best.mark?.state === 'wiping'
        ? best
        : luns.change(best, { state: 'wiping', by, at: best.mark?.at })
    const ours = await luns.change(best, {
      ...{ state: 'making' as const, id, sizeBytes, edition, by },
      at: Math.min(best.mark?.at ?? volumeAt, endOf(best)),
    })
    // Of two hosts that take LUNs for one volume at once, at least one sees here what the other has written.
    for (const same of sameOn(await luns.all(), { id, edition }))
      if (same.disk.number !== ours.disk.number) await this.#yield(luns, pool, same)
    return ours
  }

  /** Ends what an earlier call of this host has left of a volume. Raises `unavailable` when it is not ours to end. */
  async #yield(luns: Luns, pool: OpenTarget, same: Lun): Promise<void> {
    const { state, id, by } = marked(same)
    if (state === 'making' && by?.host === this.#host) return this.retire(luns, pool, same)
    const what = state === 'making' ? `is being filled by the host ${by?.host}` : 'is there already'
    throw new DriverError('unavailable', `The volume ${id} ${what}, on the LUN ${same.disk.number}.`)
  }

  async #fill(
    op: Op,
    luns: Luns,
    lun: Lun,
    { wish, fill }: { wish: Wish; fill: (volume: Refill) => Promise<void> },
  ): Promise<Lun> {
    let now = lun
    let noted = Date.now()
    let noting: Promise<void> | null = null
    const note = () =>
      luns
        .change(now, marked(now))
        .then((after) => {
          now = after
          noted = Date.now()
        })
        .finally(() => {
          noting = null
        })
    await fill({
      sizeBytes: wish.sizeBytes,
      async write(at, bytes) {
        op.signal.throwIfAborted()
        // Several parts are written at once.
        if (!noting && Date.now() - noted >= noteMs) noting = note()
        await noting
        await writeContent(luns, now, at, bytes)
      },
    })
    await flush(luns.session, lun.disk)
    return luns.change(now, { state: 'volume', ...wish, at: lun.mark?.at })
  }

  /** Wipes what a failed call of this host has left of a volume that it did not complete. */
  async #abandon(pool: OpenTarget, id: string): Promise<void> {
    const op = backgroundOp(this.#log, 'volumes')
    await withLuns(op, pool, async (luns) => {
      for (const lun of await luns.all())
        if (lun.mark?.state === 'making' && lun.mark.id === id && lun.mark.by?.host === this.#host)
          await this.retire(luns, pool, lun)
    }).catch((err: unknown) => this.#log.warn({ err, volume: id }, 'a LUN is wiped later'))
  }

  /** Ends what is on a LUN: nobody finds the volume any more, and the LUN is wiped, which nobody waits for. */
  async retire(luns: Luns, pool: OpenTarget, lun: Lun): Promise<void> {
    await luns.change(lun, { state: 'wiping', by: { host: this.#host } })
    this.#later(pool, lun)
  }

  /** Fills a LUN that this host has marked so with zeros, and makes it free. */
  wipe(pool: OpenTarget, number: number): Promise<void> {
    const key = `${pool.id} ${number}`
    const known = this.#wipes.get(key)
    if (known) return known
    // A large LUN takes days; a target that does not answer ends the work before.
    const own = { ...backgroundOp(this.#log, 'volumes'), signal: this.#end.signal }
    const work = withLuns(own, pool, (luns) => this.#wipe(luns, number)).finally(() =>
      this.#wipes.delete(key),
    )
    this.#wipes.set(key, work)
    return work
  }

  async #wipe(luns: Luns, number: number): Promise<void> {
    const found = (await luns.all()).find(({ disk }) => disk.number === number)
    if (found?.mark?.state !== 'wiping' || found.mark.by?.host !== this.#host) return
    const to = endOf(found)
    const lun = await this.#zero(luns, found, { from: Math.max(volumeAt, found.mark.at ?? 0), to })
    await luns.change(lun, { state: 'free', at: to })
  }

  /** Fills a part of a LUN that this host has with zeros, and writes into the mark how far that is. */
  async #zero(luns: Luns, lun: Lun, range: { from: number; to: number }): Promise<Lun> {
    let now = lun
    let noted = Date.now()
    await zero(luns.session, lun.disk, range, async (at) => {
      if (Date.now() - noted < noteMs) return
      await flush(luns.session, lun.disk)
      now = await luns.change(now, { ...marked(now), at })
      noted = Date.now()
    })
    await flush(luns.session, lun.disk)
    return now
  }

  /** Makes a volume larger that this host has, after what is not wiped of the new part was wiped. */
  async grow(luns: Luns, lun: Lun, sizeBytes: number): Promise<Lun> {
    const { sizeBytes: before = 0, at = volumeAt } = marked(lun)
    const whole = (bytes: number) => Math.ceil(bytes / lun.disk.blockBytes) * lun.disk.blockBytes
    const from = Math.max(whole(volumeAt + before), at)
    const to = whole(volumeAt + sizeBytes)
    const wiped = await this.#zero(luns, lun, { from, to })
    const by = isHeld(lun) ? lun.mark?.by : undefined
    return luns.change(wiped, { ...marked(wiped), sizeBytes, at: Math.max(from, to), by })
  }

  /** Goes on with what this host has begun before its last restart, and gives up what calls that were cut off have claimed. */
  async tidy(pool: OpenTarget, luns: Luns, all: readonly Lun[]): Promise<void> {
    for (const lun of all)
      await this.#tidyOne(pool, luns, lun, all).catch((error: unknown) => {
        // A call has changed the LUN since it was looked at, and the next look decides.
        if (!(error instanceof LunChanged)) throw error
      })
  }

  async #tidyOne(pool: OpenTarget, luns: Luns, lun: Lun, all: readonly Lun[]): Promise<void> {
    const { mark } = lun
    if (!mark || (mark.by && mark.by.host !== this.#host)) return
    if (mark.state === 'wiping') this.#later(pool, lun)
    if (mark.state === 'wiping' || this.#working.has(workOn(mark.pool, mark.id ?? ''))) return
    const newest = mark.state === 'volume' ? volumesOn(all, mark.id ?? '') : []
    if (newest.length > 1 && newest[0] === lun)
      this.#log.error(
        { volume: mark.id, luns: newest.map(({ disk }) => disk.number) },
        'several LUNs say that they are one volume: they are left alone until all but one are taken away from the target',
      )
    if (mark.state === 'making' || isReplaced(all, lun)) await this.retire(luns, pool, lun)
    else if (mark.by && !isHeld(lun) && newest.length < 2 && !mayBeOld(all, lun))
      await luns.change(lun, { ...mark, by: undefined })
  }

  #later(pool: OpenTarget, { disk }: Lun): void {
    this.wipe(pool, disk.number).catch((err: unknown) =>
      this.#log.warn({ err, pool: pool.id, lun: disk.number }, 'a LUN is wiped later'),
    )
  }

  /** Takes everything from another host, which is off for sure. */
  async disown(luns: Luns, pool: OpenTarget, host: string): Promise<void> {
    const all = await luns.all()
    for (const lun of all) {
      if (lun.mark?.by?.host !== host) continue
      if (lun.mark.state !== 'volume' || isReplaced(all, lun)) await this.retire(luns, pool, lun)
      // Until it is known whether the host has replaced what is here, nobody gets it.
      else if (isHeld(lun) || !mayBeOld(all, lun)) await luns.change(lun, { ...lun.mark, by: undefined })
    }
  }

  /** Runs `work` while no other host changes the volume and no guest has it. */
  async during<T>(luns: Luns, lun: Lun, work: (lun: Lun) => Promise<T>): Promise<T> {
    refuseUsed(lun, this.#host)
    const { pool, id } = marked(lun)
    const key = workOn(pool, id ?? '')
    this.#begin(key)
    try {
      const ours = await luns.change(lun, { ...marked(lun), by: { host: this.#host } })
      try {
        return await work(ours)
      } finally {
        // `work` may have given the LUN up, or another mark; without an answer, the next look at the pool does this.
        await this.#release(luns, ours, key)
      }
    } finally {
      this.#replacing.delete(key)
      this.#finish(key)
    }
  }

  async #release(luns: Luns, ours: Lun, key: string): Promise<void> {
    try {
      const all = await luns.all()
      const now = all.find(({ disk }) => disk.number === ours.disk.number)
      if (!now?.mark || now.mark.number !== ours.mark?.number) return
      const isUnsure = this.#replacing.has(key) && mayBeOld(all, now)
      // What was replaced is retired later, by this mark.
      if (!isUnsure && !isReplaced(all, now)) await luns.change(now, { ...now.mark, by: undefined })
    } catch (err) {
      this.#log.warn({ err, volume: ours.mark?.id }, 'a volume is given back later')
    }
  }
}

/** The LUNs where that edition of a volume is, or is being made. */
const sameOn = (all: readonly Lun[], { id, edition = 1 }: Pick<Wish, 'id' | 'edition'>): Lun[] =>
  all.filter(
    (lun) =>
      lun.mark?.id === id &&
      editionOf(lun) === edition &&
      (lun.mark.state === 'volume' || lun.mark.state === 'making'),
  )

const workOn = (pool: string, volume: string) => `${pool} ${volume}`

export function marked({ mark, disk }: Lun): Mark {
  if (mark) return mark
  throw new DriverError('failed', `The LUN ${disk.number} has no mark.`)
}

/** Raises `conflict` while a guest has the volume, or another call or host works on it. */
export function refuseUsed({ mark }: Lun, host: string): void {
  const { by, id } = mark ?? {}
  if (by?.guest)
    throw new DriverError('conflict', `The guest ${by.guest} on the host ${by.host} has the volume ${id}.`)
  if (by?.backup)
    throw new DriverError('conflict', `The volume ${id} is being backed up by the host ${by.host}.`)
  if (by && by.host !== host)
    throw new DriverError('conflict', `The host ${by.host} works on the volume ${id}.`)
}

/** Writes a part of a volume. Parts of blocks are completed by what is there. */
async function writeContent({ session }: Luns, lun: Lun, at: number, bytes: Buffer): Promise<void> {
  const { disk } = lun
  if (at + bytes.length > (lun.mark?.sizeBytes ?? 0))
    throw new DriverError('failed', 'The content is larger than the volume.')
  const { from, to } = blocksOf(lun, at, bytes.length)
  if (to - from === bytes.length) return write(session, disk, volumeAt + from, bytes)
  const whole = await read(session, disk, volumeAt + from, to - from)
  bytes.copy(whole, at - from)
  await write(session, disk, volumeAt + from, whole)
}

/** Reads a volume that nobody changes meanwhile: the bytes of a range; null when all of them are zeros. */
export function contentReader(
  { session }: Luns,
  lun: Lun,
): (at: number, length: number) => Promise<Buffer<ArrayBuffer> | null> {
  const { disk } = lun
  let known = { from: 0, to: 0 }
  return async (at, length) => {
    const { from, to } = blocksOf(lun, at, length)
    if (from < known.from || from >= known.to)
      known = { from, to: from + (await unstoredAt(session, disk, volumeAt + from)) }
    if (to <= known.to) return null
    const whole = await read(session, disk, volumeAt + from, to - from)
    const bytes = whole.subarray(at - from, at - from + length)
    return bytes.equals(Buffer.alloc(length)) ? null : bytes
  }
}

function blocksOf({ disk: { blockBytes } }: Lun, at: number, length: number): { from: number; to: number } {
  return {
    from: Math.floor(at / blockBytes) * blockBytes,
    to: Math.ceil((at + length) / blockBytes) * blockBytes,
  }
}

async function untilAborted(op: Op, work: Promise<void>): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const stop = () =>
    aborted.reject(new DriverError('unavailable', 'The call was cancelled before it was done.'))
  op.signal.addEventListener('abort', stop, { once: true })
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    op.signal.removeEventListener('abort', stop)
  }
}

function noRoom(all: readonly Lun[], sizeBytes: number): DriverError {
  const gib = Math.ceil(sizeBytes / 1024 ** 3)
  const why = all
    .filter((lun) => roomOn(lun) >= sizeBytes)
    .map(({ disk, foreign, mark }) => {
      if (foreign !== null) return `LUN ${disk.number} ${foreign}`
      if (mark?.state === 'volume') return `LUN ${disk.number} has the volume ${mark.id}`
      return `LUN ${disk.number} is being made ready by the host ${mark?.by?.host}`
    })
  const most = 8
  const more = why.length > most ? `, and so on` : ''
  return new DriverError(
    'no_space',
    `The target has no free LUN for a volume of ${gib} GiB (a LUN needs 1 MiB more than the volume). Give the target a further LUN.${
      why.length > 0 ? ` Of those that are large enough: ${why.slice(0, most).join(', ')}${more}.` : ''
    }`,
  )
}
