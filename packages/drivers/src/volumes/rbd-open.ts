import { createHash } from 'node:crypto'
import { rmdir } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { DriverError } from '../errors.ts'
import { backgroundOp, type Op } from '../op.ts'
import { settings } from './ceph.ts'
import type { ServedVolume, VolumeKey } from './interface.ts'
import { type OpenRecord, openRecords } from './open-records.ts'
import { type Look, watchPools } from './pool-watch.ts'
import { fence, forgetServers, noteServers } from './rbd-fence.ts'
import { type Image, imageOf, names, volumeOf } from './rbd-images.ts'
import { disown, own, ownerOf } from './rbd-owner.ts'
import { type RbdPools, withoutKey } from './rbd-pools.ts'
import { isReady, serve, socketIn, stopServing } from './volume-server.ts'

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

/** How many looks pass between two questions whether the guest of a volume, whose server runs, still has the volume. */
const askEvery = 12
/** How many servers are started again at once. */
const mendsAtOnce = 4

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
  readonly #watch: ReturnType<typeof watchPools>

  constructor(
    options: RbdOptions,
    pools: RbdPools,
    inTurn: <T>(key: string, work: () => Promise<T>) => Promise<T>,
  ) {
    this.#options = options
    this.#pools = pools
    this.#inTurn = inTurn
    this.records = openRecords(path.join(options.dir, 'open-volumes'))
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
      await this.serve(op, { key, guest: guest.id, uid: guest.uid }, image)
    } catch (error) {
      // After any other failure nobody knows whether the guest has the volume: #mend finds out.
      if (error instanceof DriverError && error.code === 'conflict') {
        await this.#endServer(record)
        await this.records.remove(guest.id, key.id)
      }
      throw error
    }
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
    if (await this.#owns(op, record, image)) return true
    const { guest, key } = record
    op.log.warn({ volume: key.id, guest }, 'a guest of this host has lost its volume meanwhile')
    await this.#endServer(record)
    await forgetServers(await this.#pools.of(key.pool), op, image.id, this.#options.host)
    await this.records.remove(guest, key.id)
    return false
  }

  async #owns(op: Op, { guest, key }: Pick<OpenRecord, 'guest' | 'key'>, image: Pick<Image, 'id'>) {
    const owner = await ownerOf(await this.#pools.of(key.pool), op, image.id)
    return owner?.guest === guest && owner.host === this.#options.host
  }

  /**
   * Makes a server of the volume run that knows the volume's size, and fences every other server. Raises `conflict` when the
   * guest has lost the volume: a host that takes the volume away changes the owner first and looks for servers then, and this
   * host starts the server first and looks for the owner then. So one of the two sees the other before the guest writes.
   */
  async serve(
    op: Op,
    { key, guest, uid }: Pick<OpenRecord, 'key' | 'guest' | 'uid'>,
    { id: imageId, size }: Pick<Image, 'id' | 'size'>,
  ): Promise<void> {
    const ceph = await this.#pools.of(key.pool)
    const { host, serverUid } = this.#options
    const image = names.volume(key.id)
    const isAllowed = () => this.#owns(op, { guest, key }, { id: imageId })
    await serve(op, this.#folder(guest, key.id), {
      node: {
        ...{ driver: 'rbd', pool: ceph.pool.pool, image, user: ceph.pool.user, 'key-secret': 'key' },
        // Writes are on the disks of the cluster when the guest is told so.
        ...{ conf: 'ceph.conf', discard: 'unmap', cache: { direct: true, 'no-flush': false } },
      },
      ...{ guestUid: uid, uid: serverUid, secret: ceph.pool.key },
      // Servers of older versions have another stamp: nobody has noted their addresses.
      ...{ files: { 'ceph.conf': settings(ceph.pool, null) }, stamp: `noted ${uid} ${size}` },
      before: () => fence(ceph, op, imageId, { host, isAllowed }),
      async opened() {
        await noteServers(ceph, op, imageId, host)
        if (await isAllowed()) return
        await forgetServers(ceph, op, imageId, host)
        throw new DriverError('conflict', `The guest ${guest} has lost the volume ${key.id}.`)
      },
    })
  }

  /**
   * Runs `work` while the guests of these volumes, which nobody else works with, can write to none of them: the servers end
   * before, each with all that the guest was told is written. When the last one has ended, no write is in a volume that was
   * begun after one that is in none, so the volumes are as they were at one instant. The guests' reads and writes wait until the
   * new servers are there, which #look starts when this host cannot now, or was killed meanwhile.
   */
  async whileNobodyWrites(op: Op, volumes: readonly string[], work: () => Promise<void>): Promise<void> {
    const records = (await Promise.all(volumes.map((id) => this.recordOf(id)))).filter((one) => one !== null)
    try {
      await Promise.all(records.map(({ guest, key }) => stopServing(this.#folder(guest, key.id))))
      await work()
    } finally {
      await Promise.all(records.map((record) => this.#try(record, () => this.#serveAgain(op, record))))
    }
  }

  async #serveAgain(op: Op, record: OpenRecord): Promise<void> {
    const image = await imageOf(await this.#pools.of(record.key.pool), op, names.volume(record.key.id))
    if (image && (await this.keeps(op, record, image))) await this.serve(op, record, image)
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
    if (image) {
      const { host } = this.#options
      await forgetServers(ceph, op, image.id, host)
      await disown(ceph, op, image.id, { guest, host })
    }
    await this.records.remove(guest, key.id)
  }

  /**
   * Starts servers again that have ended, and gives back what could not be given back before. Whether the guests still have
   * the volumes whose servers run is asked once in a while: Ceph takes nothing more from the servers of a host that has lost
   * its volumes, and they end here.
   */
  async #look({ records, running, before }: Look): Promise<void> {
    const isServed = ({ guest, key, closing }: OpenRecord) =>
      !closing && running.has(this.#folder(guest, key.id))
    // Each takes some programs of Ceph, and a guest whose server has ended waits meanwhile.
    await pLimit(mendsAtOnce).map(
      records.filter((record) => !isServed(record)),
      (record) => this.#try(record, () => this.#mend(record)),
    )
    for (const [index, record] of records.filter(isServed).entries())
      if (before === 0 || (before + 1 + index) % askEvery === 0)
        await this.#try(record, () => (before === 0 ? this.#mend(record) : this.#ask(record)))
  }

  async #try({ key, guest }: OpenRecord, work: () => Promise<void>): Promise<void> {
    await work().catch((err: unknown) =>
      this.#options.log.warn({ err, volume: key.id, guest }, 'a volume cannot be served'),
    )
  }

  /** Nobody who works with the volume waits for the answer, unless there is something to mend. */
  async #ask(record: OpenRecord): Promise<void> {
    const { guest, key } = record
    const op = backgroundOp(this.#options.log, 'volumes')
    const image = await imageOf(await this.#pools.of(key.pool), op, names.volume(key.id))
    const isGood =
      image && (await isReady(this.#folder(guest, key.id))) && (await this.#owns(op, record, image))
    if (!isGood) await this.#mend(record)
  }

  #mend({ guest, key }: OpenRecord): Promise<void> {
    const op = backgroundOp(this.#options.log, 'volumes')
    return this.#inTurn(key.id, async () => {
      // A call may have changed what was true before.
      const now = (await this.records.ofGuest(guest)).find((one) => one.key.id === key.id)
      if (!now) return
      if (now.closing) return this.#giveBack(op, now)
      await this.#serveAgain(op, now)
    })
  }

  #folder(guest: string, volume: string): string {
    return path.join(runtimeOf(this.#options.dir), guest, volume.replaceAll('-', '').slice(0, 24))
  }
}

function unlessUsed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error
}
