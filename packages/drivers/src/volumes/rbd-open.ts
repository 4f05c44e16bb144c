import { createHash } from 'node:crypto'
import { rmdir } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { DriverError } from '../errors.ts'
import { backgroundOp, type Op } from '../op.ts'
import { settings } from './ceph.ts'
import type { ServedVolume, VolumeKey } from './interface.ts'
import { type OpenRecord, openRecords } from './open-records.ts'
import { type Image, imageOf, names, volumeOf } from './rbd-images.ts'
import { disown, fence, own, ownerOf } from './rbd-owner.ts'
import { type RbdPools, withoutKey } from './rbd-pools.ts'
import { allServers, serve, socketIn, stopServing } from './volume-server.ts'

export type RbdOptions = {
  /** The folder hosts/<host>. */
  dir: string
  /** The name of this host, for administrators who ask Ceph who has a volume. */
  host: string
  /** The user id of the servers, which no guest has. */
  serverUid: number
  log: Logger
  /** How often servers are looked for that have ended, in ms. Default 5000. */
  watchMs?: number
}

/** Everything below is lost when the machine restarts, as the servers are. */
const runtime = '/run/stratolith-volumes'
/** The folder of this host's runtime files: paths of sockets must be short. */
export const runtimeOf = (dir: string): string =>
  path.join(runtime, createHash('sha256').update(path.resolve(dir)).digest('hex').slice(0, 8))

/** Which guests of this host have which volumes, and the servers that serve them. */
export class OpenImages {
  readonly records: ReturnType<typeof openRecords>
  readonly #options: RbdOptions
  readonly #pools: RbdPools
  readonly #inTurn: <T>(key: string, work: () => Promise<T>) => Promise<T>
  readonly #watch: NodeJS.Timeout
  #watching: Promise<void> | null = null

  constructor(
    options: RbdOptions,
    pools: RbdPools,
    inTurn: <T>(key: string, work: () => Promise<T>) => Promise<T>,
  ) {
    this.#options = options
    this.#pools = pools
    this.#inTurn = inTurn
    this.records = openRecords(path.join(options.dir, 'open-volumes'))
    this.#watch = setInterval(() => {
      this.#watching ??= this.#look().finally(() => {
        this.#watching = null
      })
    }, options.watchMs ?? 5_000)
    this.#watch.unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#watch)
    await this.#watching
  }

  /** Gives the volume to the guest. Nobody else works with the volume meanwhile. */
  async open(op: Op, key: VolumeKey, guest: { id: string; uid: number }): Promise<ServedVolume> {
    const ceph = await this.#pools.of(key.pool)
    const image = await volumeOf(ceph, op, key.id)
    if (!image) throw new DriverError('not_found', `The volume ${key.id} is gone from its pool.`)
    const holder = await this.records.holderOf(key.id)
    if (holder !== null && holder !== guest.id)
      throw new DriverError('conflict', `The guest ${holder} has the volume ${key.id}.`)
    // The record comes first: without it nobody would give the volume back.
    const told = { id: key.id, pool: withoutKey(key.pool) }
    const record = { guest: guest.id, uid: guest.uid, key: told, closing: false }
    await this.records.write(record)
    const owner = { guest: guest.id, host: this.#options.host }
    try {
      await own(ceph, op, { imageId: image.id, volumeId: key.id }, owner)
    } catch (error) {
      // After any other failure nobody knows whether the guest has the volume: #mend finds out.
      if (error instanceof DriverError && error.code === 'conflict') {
        await this.#endServer(record)
        await this.records.remove(guest.id, key.id)
      }
      throw error
    }
    await this.serve(op, { key, guest: guest.id, uid: guest.uid }, image.size)
    return { socket: socketIn(this.#folder(guest.id, key.id)) }
  }

  /** The record of the guest of this host that has the volume; null when none has, or it is about to lose the volume. */
  async recordOf(volume: string): Promise<OpenRecord | null> {
    const holder = await this.records.holderOf(volume)
    const all = holder === null ? [] : await this.records.ofGuest(holder)
    return all.find(({ key, closing }) => key.id === volume && !closing) ?? null
  }

  /**
   * Whether Ceph still says that the guest has the volume: it may have been taken from this host while the host was off. Then
   * the record is given up, because another server would take the volume away from the guest that has it now.
   */
  async keeps(op: Op, record: OpenRecord, image: Pick<Image, 'id'>): Promise<boolean> {
    const { guest, key } = record
    const owner = await ownerOf(await this.#pools.of(key.pool), op, image.id)
    if (owner?.guest === guest && owner.host === this.#options.host) return true
    op.log.warn({ volume: key.id, guest, owner }, 'a guest of this host has lost its volume meanwhile')
    await this.#endServer(record)
    await this.records.remove(guest, key.id)
    return false
  }

  /** Makes a server of the volume run that knows the volume's size. Ask `keeps` before: it fences every other server. */
  async serve(
    op: Op,
    { key, guest, uid }: Pick<OpenRecord, 'key' | 'guest' | 'uid'>,
    sizeBytes: number,
  ): Promise<void> {
    const ceph = await this.#pools.of(key.pool)
    const image = names.volume(key.id)
    await serve(op, this.#folder(guest, key.id), {
      node: {
        ...{ driver: 'rbd', pool: ceph.pool.pool, image, user: ceph.pool.user, 'key-secret': 'key' },
        // Writes are on the disks of the cluster when the guest is told so.
        ...{ conf: 'ceph.conf', discard: 'unmap', cache: { direct: true, 'no-flush': false } },
      },
      ...{ guestUid: uid, uid: this.#options.serverUid, secret: ceph.pool.key },
      ...{ files: { 'ceph.conf': settings(ceph.pool, null) }, stamp: `${uid} ${sizeBytes}` },
      before: () => fence(ceph, op, image),
    })
  }

  /** Takes all volumes but those from the guest. */
  async closeAll(op: Op, guest: string, kept: ReadonlySet<string>): Promise<void> {
    for (const record of await this.records.ofGuest(guest))
      if (!kept.has(record.key.id)) await this.#inTurn(record.key.id, () => this.#closeOne(op, record))
  }

  /** The guest has lost the volume when its server has ended. A cluster that does not answer is told later. */
  async #closeOne(op: Op, record: OpenRecord): Promise<void> {
    await this.#endServer(record)
    try {
      await this.#giveBack(op, record)
    } catch (err) {
      if (!(err instanceof DriverError) || err.isAnswer) throw err
      op.log.warn({ err, volume: record.key.id }, 'Ceph cannot be told yet that a guest has lost a volume')
      await this.records.write({ ...record, closing: true })
    }
  }

  async #endServer({ guest, key }: OpenRecord): Promise<void> {
    await stopServing(this.#folder(guest, key.id))
    await rmdir(path.join(runtimeOf(this.#options.dir), guest)).catch(unlessUsed)
  }

  async #giveBack(op: Op, { guest, key }: OpenRecord): Promise<void> {
    const ceph = await this.#pools.of(key.pool)
    const image = await imageOf(ceph, op, names.volume(key.id))
    if (image) await disown(ceph, op, image.id, { guest, host: this.#options.host })
    await this.records.remove(guest, key.id)
  }

  /** Starts servers again that have ended, and gives back what could not be given back before. */
  async #look(): Promise<void> {
    const { log } = this.#options
    const known = await this.records.all().catch((err: unknown) => {
      log.error({ err }, 'the volumes that guests have cannot be read')
      return []
    })
    if (known.length === 0) return
    const running = await allServers()
    for (const record of known) {
      if (!record.closing && running.has(this.#folder(record.guest, record.key.id))) continue
      await this.#mend(record).catch((err: unknown) =>
        log.warn({ err, volume: record.key.id, guest: record.guest }, 'a volume cannot be served'),
      )
    }
  }

  #mend({ guest, key }: OpenRecord): Promise<void> {
    const op = backgroundOp(this.#options.log, 'volumes')
    return this.#inTurn(key.id, async () => {
      // A call may have changed what was true before.
      const now = (await this.records.ofGuest(guest)).find((one) => one.key.id === key.id)
      if (!now) return
      if (now.closing) return this.#giveBack(op, now)
      const image = await imageOf(await this.#pools.of(key.pool), op, names.volume(key.id))
      if (image && (await this.keeps(op, now, image))) await this.serve(op, now, image.size)
    })
  }

  #folder(guest: string, volume: string): string {
    return path.join(runtimeOf(this.#options.dir), guest, volume.replaceAll('-', '').slice(0, 24))
  }
}

function unlessUsed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error
}
