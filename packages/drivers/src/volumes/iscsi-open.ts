import { createHash } from 'node:crypto'
import { rmdir } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { DriverError } from '../errors.ts'
import { backgroundOp, type Op } from '../op.ts'
import type { PoolSpec, ServedVolume, VolumeKey } from './interface.ts'
import { volumeAt } from './lun-mark.ts'
import { marked, refuseUsed, volumeOn } from './lun-volumes.ts'
import { type Lun, type Luns, type OpenTarget, withLuns } from './luns.ts'
import { type OpenRecord, openRecords } from './open-records.ts'
import { type Look, watchPools } from './pool-watch.ts'
import { runtimeOf } from './rbd-open.ts'
import type { ToldPools } from './told-pools.ts'
import { isReady, serve, socketIn, stampIn, stopServing } from './volume-server.ts'

export type IscsiOptions = {
  /** The folder hosts/<host>. */
  dir: string
  /** The name of this host, by which it owns LUNs. */
  host: string
  /** The user id of the servers, which no guest has. */
  serverUid: number
  log: Logger
  /** How often servers are looked for that have ended, in ms. Default 5000. */
  watchMs?: number
}

/** How many looks pass between two questions whether the guests of volumes, whose servers run, still have the volumes. */
const askEvery = 12
/** How many volumes are mended at once. */
const mendsAtOnce = 4

/** Where the records of the volumes on LUNs lie that guests of a host have. */
export const openLunsIn = (dir: string): string => path.join(dir, 'open-luns')

/**
 * How long the kernel tries to deliver what was written to a target that is silent, in ms. The kernel goes on with that also when the
 * server was killed: such a write must not come after those of the server or the host that has the LUN next.
 */
const deliversMs = 10_000
const late = { lateMs: deliversMs + 2_000, env: { LIBISCSI_TCP_USER_TIMEOUT: String(deliversMs) } }

/** Lets calls on one volume of one pool come one after the other. */
type InTurn = <T>(key: VolumeKey, work: () => Promise<T>) => Promise<T>

/** Which guests of this host have which volumes on LUNs, and the servers that serve them. */
export class OpenLuns {
  readonly records: ReturnType<typeof openRecords>
  readonly #options: IscsiOptions
  readonly #pools: ToldPools<OpenTarget>
  readonly #inTurn: InTurn
  readonly #watch: ReturnType<typeof watchPools>
  /** The pools whose target did not answer the last question. */
  readonly #silent = new Set<string>()

  constructor(options: IscsiOptions, pools: ToldPools<OpenTarget>, inTurn: InTurn) {
    this.#options = options
    this.#pools = pools
    this.#inTurn = inTurn
    this.records = openRecords(openLunsIn(options.dir))
    this.#watch = watchPools({
      ...{ everyMs: options.watchMs ?? 5_000, log: options.log },
      records: () => this.records.all(),
      look: (one) => this.#look(one),
    })
  }

  async close(): Promise<void> {
    await this.#watch.close()
  }

  /** Gives the volume to the guest. Nobody else works with the volume meanwhile. */
  async open(op: Op, key: VolumeKey, guest: { id: string; uid: number }): Promise<ServedVolume> {
    const holder = await this.records.holderOf(key.id)
    if (holder !== null && holder !== guest.id)
      throw new DriverError('conflict', `The guest ${holder} has the volume ${key.id}.`)
    const told = { id: key.id, pool: withoutSecret(key.pool) }
    const record = { guest: guest.id, uid: guest.uid, key: told, closing: false }
    const lun = await this.#withVolume(op, key, async (luns, found) => {
      if (!found) throw new DriverError('not_found', `The volume ${key.id} is gone from its pool.`)
      if (this.#isOwn(found, guest.id)) return found
      refuseUsed(found, this.#options.host)
      // The record comes first: without it nobody would give the volume back.
      await this.records.write(record)
      const by = { host: this.#options.host, guest: guest.id }
      return luns.change(found, { ...marked(found), copyId: undefined, by })
    }).catch(async (error: unknown) => {
      // After any other failure nobody knows whether the guest has the volume: #mend finds out.
      if (error instanceof DriverError && error.code === 'conflict') await this.#forget(record)
      throw error
    })
    await this.records.write(record)
    await this.serve(op, record, lun)
    return { socket: socketIn(this.#folder(guest.id, key.id)) }
  }

  /** The record of the guest of this host that has the volume; null when none has, or it is about to lose the volume. */
  async recordOf(volume: string): Promise<OpenRecord | null> {
    const holder = await this.records.holderOf(volume)
    const all = holder === null ? [] : await this.records.ofGuest(holder)
    return all.find(({ key, closing }) => key.id === volume && !closing) ?? null
  }

  /** Makes a server of the volume run that knows the volume's size. The mark must say that the guest has the volume. */
  async serve(
    op: Op,
    { key, guest, uid }: Pick<OpenRecord, 'key' | 'guest' | 'uid'>,
    lun: Lun,
  ): Promise<void> {
    this.demandOwn(lun, guest)
    const pool = await this.#pools.of(key.pool)
    const { portal, target, user, secret, initiator } = pool
    const size = marked(lun).sizeBytes ?? 0
    const access = { cache: { direct: true, 'no-flush': false }, discard: 'unmap' }
    await serve(op, this.#folder(guest, key.id), {
      node: {
        ...{ driver: 'raw', offset: volumeAt, size, ...access },
        file: {
          ...{ driver: 'iscsi', transport: 'tcp', portal, target, lun: lun.disk.number, user, ...access },
          // QEMU asks a silent target every 5 s whether it is there, and connects again: a guest waits, and sees no error.
          ...{ 'password-secret': 'key', 'initiator-name': initiator },
        },
      },
      ...{ guestUid: uid, uid: this.#options.serverUid, secret: Buffer.from(secret).toString('base64') },
      ...{ files: {}, stamp: stampOf(pool, uid, lun), ...late },
      // The mark of the LUN says already that this guest has the volume.
      ...{ before: async () => undefined, opened: async () => undefined },
    })
  }

  /** Takes all volumes but those from the guest. */
  async closeAll(op: Op, guest: string, kept: ReadonlySet<string>): Promise<void> {
    for (const record of await this.records.ofGuest(guest))
      if (!kept.has(record.key.id)) await this.#inTurn(record.key, () => this.#closeOne(op, record))
  }

  /** The guest has lost the volume when its server has ended. What cannot be told to the LUN now is told later. */
  async #closeOne(op: Op, record: OpenRecord): Promise<void> {
    await this.#endServer(record)
    try {
      await this.#giveBack(op, record)
    } catch (err) {
      if (!(err instanceof DriverError)) throw err
      op.log.warn(
        { err, volume: record.key.id },
        'the LUN of a volume cannot be told yet that a guest has lost the volume',
      )
      await this.records.write({ ...record, closing: true })
    }
  }

  async #endServer({ guest, key }: OpenRecord): Promise<void> {
    await stopServing(this.#folder(guest, key.id), late.lateMs)
    await rmdir(path.join(runtimeOf(this.#options.dir), guest)).catch(unlessUsed)
  }

  async #giveBack(op: Op, record: OpenRecord): Promise<void> {
    await this.#withVolume(op, record.key, async (luns, lun) => {
      if (lun && this.#isOwn(lun, record.guest)) await luns.change(lun, { ...marked(lun), by: undefined })
    })
    await this.records.remove(record.guest, record.key.id)
  }

  async #forget(record: OpenRecord): Promise<void> {
    await this.#endServer(record)
    await this.records.remove(record.guest, record.key.id)
  }

  /** Raises `conflict` when the guest of this host has lost the volume: another guest may have it now. */
  demandOwn(lun: Lun, guest: string): void {
    if (!this.#isOwn(lun, guest))
      throw new DriverError('conflict', `The guest ${guest} has lost the volume ${lun.mark?.id}.`)
  }

  #isOwn({ mark }: Lun, guest: string): boolean {
    return mark?.by?.host === this.#options.host && mark.by.guest === guest
  }

  async #withVolume<T>(
    op: Op,
    { id, pool }: VolumeKey,
    work: (luns: Luns, lun: Lun | null) => Promise<T>,
  ): Promise<T> {
    return withLuns(op, await this.#pools.of(pool), async (luns) =>
      work(luns, volumeOn(await luns.all(), id)),
    )
  }

  /**
   * Starts servers again that have ended, or that their guests cannot reach, and gives back what could not be given back before.
   * Whether the guests still have the volumes whose servers run is asked once in a while: other hosts may have declared this
   * one to be off, and a target takes writes from its servers also afterwards, so that the servers must end here.
   */
  async #look({ pool, records, running, before }: Look): Promise<void> {
    const served: OpenRecord[] = []
    // A server that has died is waited for, and its guest waits meanwhile.
    await pLimit(mendsAtOnce).map(records, async (record) => {
      const dir = this.#folder(record.guest, record.key.id)
      if (!record.closing && running.has(dir) && (await isReady(dir))) served.push(record)
      else await this.#try(record, () => this.#mend(record))
    })
    // A host that was cut off asks as soon as its target answers again: servers go on by themselves then.
    if (served[0] && (before % askEvery === 0 || this.#silent.has(pool)))
      await this.#ask(pool, served[0], served)
  }

  async #try({ key, guest }: OpenRecord, work: () => Promise<unknown>): Promise<void> {
    await work().catch((err: unknown) =>
      this.#options.log.warn({ err, volume: key.id, guest }, 'a volume cannot be served'),
    )
  }

  /** Nobody who works with the volumes of the pool waits for the answer, unless there is something to mend. */
  async #ask(pool: string, { key }: OpenRecord, records: readonly OpenRecord[]): Promise<void> {
    const op = backgroundOp(this.#options.log, 'volumes')
    try {
      const target = await this.#pools.of(key.pool)
      const all = await withLuns(op, target, (luns) => luns.all())
      this.#silent.delete(pool)
      for (const record of records) await this.#try(record, () => this.#check(target, record, all))
    } catch (err) {
      this.#silent.add(pool)
      this.#options.log.warn({ err, pool }, 'a target cannot be asked whose its volumes are')
    }
  }

  async #check(target: OpenTarget, record: OpenRecord, all: readonly Lun[]): Promise<void> {
    const { guest, key, uid } = record
    const lun = volumeOn(all, key.id)
    const isGood =
      lun &&
      this.#isOwn(lun, guest) &&
      (await stampIn(this.#folder(guest, key.id))) === stampOf(target, uid, lun)
    if (!isGood) await this.#mend(record)
  }

  #mend({ guest, key }: OpenRecord): Promise<void> {
    const op = backgroundOp(this.#options.log, 'volumes')
    return this.#inTurn(key, async () => {
      // A call may have changed what was true before.
      const now = (await this.records.ofGuest(guest)).find((one) => one.key.id === key.id)
      if (!now) return
      if (now.closing) return this.#giveBack(op, now)
      const lun = await this.#withVolume(op, key, async (_luns, found) => found)
      if (!lun) return
      if (this.#isOwn(lun, guest)) return this.serve(op, now, lun)
      // The volume may have been taken from this host while the host was off: another guest may have it now.
      op.log.warn(
        { volume: key.id, guest, by: lun.mark?.by },
        'a guest of this host has lost its volume meanwhile',
      )
      await this.#forget(now)
    })
  }

  #folder(guest: string, volume: string): string {
    return path.join(runtimeOf(this.#options.dir), guest, volume.replaceAll('-', '').slice(0, 24))
  }
}

/** A server whose stamp is another one has another size, another LUN, or old words to log in with. */
function stampOf({ portal, target, user, secret }: OpenTarget, uid: number, lun: Lun): string {
  const way = createHash('sha256')
    .update(JSON.stringify([portal, target, user, secret]))
    .digest('hex')
  return `${uid} ${marked(lun).sizeBytes ?? 0} ${lun.disk.number} ${way}`
}

/** The pool without the secret, for records. */
export function withoutSecret(pool: PoolSpec): PoolSpec {
  if (pool.driver !== 'iscsi') return pool
  const { secret: _, ...rest } = pool
  return rest
}

function unlessUsed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error
}
