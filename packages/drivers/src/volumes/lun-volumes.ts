import type { Logger } from 'pino'
import { DriverError } from '../errors.ts'
import { backgroundOp, type Op } from '../op.ts'
import type { Refill } from './interface.ts'
import { type Mark, volumeAt } from './lun-mark.ts'
import { type Lun, LunChanged, type Luns, type OpenTarget, roomOn, withLuns } from './luns.ts'
import { demandGone } from './luns-seen.ts'
import { flush, read, unstoredAt, write, zero } from './scsi.ts'

/** What is written on a LUN before a volume is whole there. */
type Wish = Pick<Mark, 'id' | 'copyId' | 'edition'> & { id: string; sizeBytes: number }

/** How often it is written down how far a LUN is wiped, in bytes. */
const wipedStride = 16 * 1024 ** 3

/** The LUN with the whole volume of that id; null when there is none. Raises `unavailable` when nobody knows. */
export function volumeOn(luns: readonly Lun[], id: string): Lun | null {
  const [found] = luns
    .filter(({ mark }) => mark?.state === 'volume' && mark.id === id)
    .sort((a, b) => (b.mark?.edition ?? 1) - (a.mark?.edition ?? 1))
  if (!found) demandGone(luns, id)
  return found ?? null
}

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
  /** The volumes that this process works on. */
  readonly #working = new Set<string>()
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
    this.#working.add(key)
    try {
      for (;;) {
        const found = await withLuns(op, pool, async (luns) => {
          const lun = await this.#take(luns, await luns.all(), wish)
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
      this.#working.delete(key)
    }
  }

  /** Takes the smallest LUN that is large enough. One that has to be wiped before is only marked so. */
  async #take(luns: Luns, all: readonly Lun[], { id, sizeBytes, edition }: Wish): Promise<Lun> {
    const fitting = all.filter((lun) => canBeTaken(lun) && roomOn(lun) >= sizeBytes)
    const ready = ({ mark }: Lun) => Number(mark?.state !== 'free')
    const [best] = fitting
      .filter(({ mark }) => mark?.state !== 'wiping' || mark.by?.host === this.#host)
      .sort((a, b) => roomOn(a) - roomOn(b) || ready(a) - ready(b))
    if (!best) throw noRoom(all, sizeBytes)
    const by = { host: this.#host }
    if (best.mark?.state === 'free') return luns.change(best, { state: 'making', id, sizeBytes, edition, by })
    return best.mark ? best : luns.change(best, { state: 'wiping', by })
  }

  async #fill(
    op: Op,
    luns: Luns,
    lun: Lun,
    { wish, fill }: { wish: Wish; fill: (volume: Refill) => Promise<void> },
  ): Promise<Lun> {
    await fill({
      sizeBytes: wish.sizeBytes,
      async write(at, bytes) {
        op.signal.throwIfAborted()
        await writeContent(luns, lun, at, bytes)
      },
    })
    await flush(luns.session, lun.disk)
    return luns.change(lun, { state: 'volume', ...wish })
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
    let lun = found
    let noted = Math.max(volumeAt, found.mark.at ?? 0)
    const { blockBytes, sizeBytes } = lun.disk
    const to = Math.floor(sizeBytes / blockBytes) * blockBytes
    await zero(luns.session, lun.disk, { from: noted, to }, async (at) => {
      if (at - noted < wipedStride) return
      await flush(luns.session, lun.disk)
      lun = await luns.change(lun, { state: 'wiping', by: { host: this.#host }, at })
      noted = at
    })
    await flush(luns.session, lun.disk)
    await luns.change(lun, { state: 'free' })
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
    const isOld = mark.state === 'volume' && volumeOn(all, mark.id ?? '') !== lun
    if (mark.state === 'making' || isOld) await this.retire(luns, pool, lun)
    else if (mark.by && !mark.by.guest && !mark.by.backup) await luns.change(lun, { ...mark, by: undefined })
  }

  #later(pool: OpenTarget, { disk }: Lun): void {
    this.wipe(pool, disk.number).catch((err: unknown) =>
      this.#log.warn({ err, pool: pool.id, lun: disk.number }, 'a LUN is wiped later'),
    )
  }

  /** Takes everything from another host, which is off for sure. */
  async disown(luns: Luns, pool: OpenTarget, host: string): Promise<void> {
    for (const lun of await luns.all()) {
      if (lun.mark?.by?.host !== host) continue
      if (lun.mark.state === 'volume') await luns.change(lun, { ...lun.mark, by: undefined })
      else await this.retire(luns, pool, lun)
    }
  }

  /** Runs `work` while no other host changes the volume and no guest has it. */
  async during<T>(luns: Luns, lun: Lun, work: (lun: Lun) => Promise<T>): Promise<T> {
    refuseUsed(lun, this.#host)
    const { pool, id } = marked(lun)
    const key = workOn(pool, id ?? '')
    this.#working.add(key)
    try {
      const ours = await luns.change(lun, { ...marked(lun), by: { host: this.#host } })
      try {
        return await work(ours)
      } finally {
        // `work` may have given the LUN up, or another mark; without an answer, the next look at the pool does this.
        await this.#release(luns, ours)
      }
    } finally {
      this.#working.delete(key)
    }
  }

  async #release(luns: Luns, ours: Lun): Promise<void> {
    try {
      const now = (await luns.all()).find(({ disk }) => disk.number === ours.disk.number)
      if (now?.mark?.number === ours.mark?.number && now?.mark)
        await luns.change(now, { ...now.mark, by: undefined })
    } catch (err) {
      this.#log.warn({ err, volume: ours.mark?.id }, 'a volume is given back later')
    }
  }
}

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
