import { mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { z } from 'zod'
import { DriverError, driverErrorOf } from '../errors.ts'
import type { HypervisorDriver, ObservedInstance } from '../hypervisor/interface.ts'
import type { LocalNetworkDriver, PortSpec, RouterSpec } from '../network/interface.ts'
import type { Op } from '../op.ts'
import type { LocalStorageDriver } from '../storage/interface.ts'
import { createTurns } from '../turns.ts'
import { beginDisk, guestLetsGo, makeInstance, type Outcome, portsHeldBy } from './instance.ts'
import type { DocumentKeeper, DocumentKind, HostDocument, KeptDocument, Receipt } from './interface.ts'
import { documentKinds } from './kinds.ts'

export type KeeperOptions = HostParts & {
  /** The folder hosts/<host>/documents; without it nothing outlives the process (simulated hosts). */
  dir?: string
}
type HostParts = { hypervisor: HypervisorDriver; network: LocalNetworkDriver; storage: LocalStorageDriver }

const order: readonly DocumentKind[] = documentKinds
/** How many guests of one delivery are made at the same time: each takes some files and a process. */
const guestsAtOnce = 4

export function createDocuments({ dir, ...host }: KeeperOptions): DocumentKeeper {
  return new Keeper(host, dir)
}

class Keeper implements DocumentKeeper {
  readonly #host: HostParts
  readonly #shelf: Shelf
  readonly #turns = createTurns()

  constructor(host: HostParts, dir: string | undefined) {
    this.#host = host
    this.#shelf = new Shelf(dir)
  }

  async list(_op: Op, kind: DocumentKind): Promise<KeptDocument[]> {
    return this.#shelf.of(kind)
  }

  async apply(op: Op, documents: readonly HostDocument[]): Promise<Receipt[]> {
    const receipts = new Map<HostDocument, Receipt>()
    const held = await portsHeldBy(
      this.#host.hypervisor,
      op,
      documents,
      (port) => this.#shelf.get(port)?.guest,
    )
    this.#beginDisks(op, documents)
    const exchange = new Exchange()
    let waiting: readonly HostDocument[] = documents
    // An address may move from one thing to another. A document that found its address taken is tried again after
    // the others. When things wait for each other (they exchange addresses), one of them gives up its address for a moment.
    for (;;) {
      for (const turn of turns(waiting, held, this.#shelf))
        await pLimit(guestsAtOnce).map(turn, async (document) => {
          const guestId = held.get(document.id)
          const guest = documents.find((one) => one.kind === 'instance' && one.id === guestId)
          const its = guest && receipts.get(guest)
          const work = () =>
            guestId !== undefined && its?.outcome !== 'reached'
              ? this.#cutOff(op, document.id, { guestId, its })
              : realise(this.#host, op, document)
          receipts.set(document, await this.#one(op, document, { exchange, work }))
        })
      const again = waiting.filter((document) => isInTheWay(receipts.get(document)))
      if (again.length === 0) break
      if (again.length === waiting.length && !(await this.#giveWay(op, again, exchange))) break
      waiting = again
    }
    for (const document of documents)
      if (receipts.get(document)?.outcome !== 'reached') await this.#retake(op, document)
    return documents.flatMap((document) => receipts.get(document) ?? [])
  }

  /** Begins the disks of new guests, when they are few; the guest's own turn waits for its disk. */
  #beginDisks(op: Op, documents: readonly HostDocument[]): void {
    const guests = documents.filter((one) => one.kind === 'instance')
    if (guests.length > guestsAtOnce) return
    for (const guest of guests)
      void this.#inTurn(guest, async () => {
        const isNew = (this.#shelf.get(guest)?.generation ?? 0) < guest.generation
        if (isNew && guest.body) await beginDisk(this.#host.storage, op, guest.body)
      })
  }

  /** Frees the addresses of one thing that has not given way yet. False when there is none, or when it would help nobody. */
  async #giveWay(op: Op, stuck: readonly HostDocument[], exchange: Exchange): Promise<boolean> {
    const next = exchange.next(stuck)
    if (!next) return false
    exchange.gaveWay.add(next)
    await this.#between(op, next, async (known) => {
      // The former body is recorded first, so that an agent which is killed now gives it back after its restart.
      await this.#shelf.put({ ...known, before: known.before ?? (await this.#bodyOf(op, next)) })
      await realise(this.#host, op, withoutAddresses(next))
    })
    return true
  }

  /** Gives a thing its former addresses back when it gave way in vain, because another document failed. */
  async #retake(op: Op, document: HostDocument): Promise<void> {
    await this.#between(op, document, async ({ before, ...known }) => {
      if (!before) return
      await realise(this.#host, op, { ...document, body: before } as HostDocument)
      await this.#shelf.put(known)
    })
  }

  /** Runs an intermediate change of a thing, when no newer document has come. Its failure is logged; the receipt says what the thing waits for. */
  #between(op: Op, document: HostDocument, work: (known: Kept) => Promise<void>): Promise<void> {
    return this.#inTurn(document, async () => {
      const known = this.#shelf.get(document)
      if (known?.generation !== document.generation) return
      await work(known).catch((err: unknown) =>
        op.log.warn({ err, kind: document.kind, id: document.id }, 'an address could not be exchanged'),
      )
    })
  }

  /** The body that the host has recorded of a port or router. */
  async #bodyOf(op: Op, { kind, id, body }: HostDocument): Promise<Kept['before']> {
    const { network } = this.#host
    if (kind === 'router') return (await network.describeRouter(op, id)) ?? undefined
    if (kind !== 'port' || !body) return undefined
    return (await network.describePorts(op, body.instanceId)).find(({ port }) => port.id === id)?.port
  }

  #one(op: Op, document: HostDocument, how: How): Promise<Receipt> {
    return this.#inTurn(document, () => this.#alone(op, document, how))
  }

  /** Lets no traffic pass a port that is to go while its guest still holds it. */
  async #cutOff(
    op: Op,
    portId: string,
    { guestId, its }: { guestId: string; its: Receipt | undefined },
  ): Promise<Outcome> {
    const { network } = this.#host
    const found = (await network.describePorts(op, guestId)).find(({ port }) => port.id === portId)
    if (found) await network.ensurePort(op, { ...found.port, adminUp: false, rules: [] })
    if (its?.outcome === 'failed') return { outcome: 'failed', code: its.code, message: its.message }
    return { outcome: 'working', for: its?.outcome === 'working' ? its.for : guestLetsGo }
  }

  /** Runs the work of one thing's documents one after the other, so that an older document is recognised and refused. */
  #inTurn<T>(thing: HostDocument, work: () => Promise<T>): Promise<T> {
    return this.#turns(keyOf(thing), work)
  }

  /**
   * The guest of a document that is reached. The document is not carried out a second time: a late repetition of a
   * document that says `running` must not power on a guest that was stopped since.
   */
  async #guestOf(op: Op, { kind, id, body }: HostDocument): Promise<ObservedInstance | null> {
    if (kind !== 'instance' || body === null) return null
    const { hypervisor } = this.#host
    // Null when the recorded spec is lost: then the document is carried out again.
    return (await hypervisor.describe(op, id)) && hypervisor.get(op, id)
  }

  async #alone(op: Op, document: HostDocument, { exchange, work }: How): Promise<Receipt> {
    const { kind, id, generation } = document
    const about = { kind, id, generation }
    const known = this.#shelf.get(about)
    if (known && known.generation > generation) return { ...about, outcome: 'older', known: known.generation }
    const isNew = known?.generation !== generation
    const guest = guestIn(document) ?? known?.guest
    const put = (reached: boolean) => {
      const before = reached || isNew ? undefined : this.#shelf.get(about)?.before
      return this.#shelf.put({ ...about, reached, gone: document.body === null, guest, before })
    }
    const wasReached = !isNew && known.reached
    try {
      // The generation is recorded before the work, so that an older document is refused also after a crash during the work.
      if (isNew) await put(false)
      const runs = wasReached ? await this.#guestOf(op, document) : null
      if (runs) return { ...about, outcome: 'reached', guest: runs }
      const outcome = await work()
      const isReached = outcome.outcome === 'reached'
      if (isReached !== wasReached) await put(isReached)
      return { ...about, ...outcome }
    } catch (error) {
      const { code, message, inTheWay } = driverErrorOf(error)
      exchange.waitsFor.set(document, inTheWay)
      // The error is unexpected, so its stack goes to the log.
      if (!(error instanceof DriverError)) op.log.error({ err: error, ...about }, 'a document failed')
      if (wasReached)
        await put(false).catch((err: unknown) =>
          op.log.error({ err, ...about }, 'the failure cannot be recorded'),
        )
      return { ...about, outcome: 'failed', code, message }
    }
  }
}
type How = { exchange: Exchange; work: () => Promise<Outcome> }

/** The things of one delivery that exchange addresses. */
class Exchange {
  /** For each document, the ids of the things that have its addresses, as of its last failure. */
  readonly waitsFor = new Map<HostDocument, readonly string[]>()
  readonly gaveWay = new Set<HostDocument>()

  /**
   * A document that has not given way yet and whose thing is in the way of another stuck one, when everything that
   * these wait for, directly or indirectly, is stuck in this delivery, too. A thing that waits for one outside of
   * the delivery would gain nothing when another gives way.
   */
  next(stuck: readonly HostDocument[]): HostDocument | undefined {
    const ways = (one: HostDocument) => (this.waitsFor.get(one) ?? []).map((id) => keyOf({ ...one, id }))
    let left = stuck.filter((one) => ways(one).length > 0)
    for (let before = 0; before !== left.length; ) {
      before = left.length
      const keys = new Set(left.map(keyOf))
      left = left.filter((one) => ways(one).every((key) => keys.has(key)))
    }
    const wanted = new Set(left.flatMap(ways))
    return left.find((one) => wanted.has(keyOf(one)) && !this.gaveWay.has(one))
  }
}

const isInTheWay = (receipt: Receipt | undefined) =>
  receipt?.outcome === 'failed' && receipt.code === 'conflict'

function withoutAddresses(document: HostDocument): HostDocument {
  if (document.kind === 'port' && document.body)
    return { ...document, body: { ...document.body, addresses: [] } }
  if (document.kind === 'router' && document.body)
    return { ...document, body: { ...document.body, external: null, floatingIps: [] } }
  return document
}

async function realise(host: HostParts, op: Op, { kind, id, body }: HostDocument): Promise<Outcome> {
  const { network } = host
  switch (kind) {
    case 'network':
      await (body ? network.ensureNetwork(op, body) : network.removeNetwork(op, id))
      return reached
    case 'addressSet':
      await (body ? network.ensureAddressSet(op, body) : network.removeAddressSet(op, id))
      return reached
    case 'router':
      await (body ? network.ensureRouter(op, body) : network.removeRouter(op, id))
      return reached
    case 'port':
      if (body) return { outcome: 'reached', port: await network.ensurePort(op, body) }
      await network.removePort(op, id)
      return reached
    case 'instance':
      if (body) return makeInstance(host, op, body)
      await host.hypervisor.remove(op, id)
      // The root disk by its id, too, which also ends the making of all disks of the guest.
      await host.storage.removeDisk(op, id)
      for (const disk of await host.storage.disksOf(op, id)) await host.storage.removeDisk(op, disk.id)
      return reached
  }
}
const reached: Outcome = { outcome: 'reached' }

/**
 * The documents in turns; those of one turn are carried out at the same time. First come changes of address sets
 * and ports that the host has (a rule that was revoked waits for nothing); then guests that go, and ports and routers
 * that go (they may be in the way of others); then additions, in the order in which they need each other; and in the end
 * removals of things that others had to release: ports that a guest has held, address sets and networks.
 */
function turns(
  documents: readonly HostDocument[],
  held: ReadonlyMap<string, string>,
  shelf: Shelf,
): readonly (readonly HostDocument[])[] {
  const isChange = changesIn(documents, shelf)
  const rank = (document: HostDocument): number => {
    const { kind, id, body } = document
    const at = order.indexOf(kind)
    if (isChange(document)) return at - order.length
    if (body !== null) return order.length + at
    if (kind === 'network' || kind === 'addressSet') return 4 * order.length - at
    return held.has(id) ? 3 * order.length : order.length - 1 - at
  }
  const ranked = Map.groupBy(documents, rank)
  return [...ranked]
    .sort(([a], [b]) => a - b)
    .flatMap(([, list]) => {
      const sorted = list.toSorted((a, b) => a.generation - b.generation)
      return sorted[0]?.kind === 'instance' ? [sorted] : sorted.map((document) => [document])
    })
}

/** True for address sets and ports that the host has and that need nothing which this delivery only adds. */
function changesIn(documents: readonly HostDocument[], shelf: Shelf): (document: HostDocument) => boolean {
  const isKnown = (document: HostDocument) => document.body !== null && shelf.get(document)?.gone === false
  const isKnownSet = (document: HostDocument) => document.kind === 'addressSet' && isKnown(document)
  const comes = new Set(documents.filter((one) => one.body !== null && !isKnownSet(one)).map(keyOf))
  return (document) => {
    if (document.kind !== 'port') return isKnownSet(document)
    if (!document.body || !isKnown(document)) return false
    const { networkId, rules } = document.body
    const sets = rules.flatMap(({ remote }) => (remote && 'addressSet' in remote ? remote.addressSet : []))
    return (
      !comes.has(keyOf({ kind: 'network', id: networkId })) &&
      !sets.some((id) => comes.has(keyOf({ kind: 'addressSet', id })))
    )
  }
}

const record = z.strictObject({
  kind: z.enum(documentKinds),
  id: z.string(),
  generation: z.number().int(),
  reached: z.boolean(),
  gone: z.boolean(),
  /** For a port: the id of the guest that has it, or had it last. */
  guest: z.string().optional(),
  /** For a thing that gave way to another: its former body. */
  before: z.unknown().optional(),
  at: z.number(),
})
type Record = z.output<typeof record>
type Kept = KeptDocument & { guest?: string; before?: PortSpec | RouterSpec }

const guestIn = ({ kind, body }: HostDocument) => (kind === 'port' && body?.instanceId) || undefined
/** How long the generation of a removed thing is remembered, in ms: a delivery takes two minutes at most. */
const rememberMs = 3_600_000

/**
 * The records of generations, one small file for each thing, so that they outlive a killed agent. The files are not
 * synced: after a crash of the machine no delivery from before the crash is under way any more.
 */
class Shelf {
  readonly #kept = new Map<string, Record>()
  readonly #dir: string | undefined
  #prunedAt = Date.now()

  constructor(dir: string | undefined) {
    this.#dir = dir
    if (dir) for (const kind of order) this.#load(join(dir, kind))
  }

  of(kind: DocumentKind): KeptDocument[] {
    return [...this.#kept.values()].flatMap(({ id, generation, reached, gone, ...its }) =>
      its.kind === kind ? { kind, id, generation, reached, gone } : [],
    )
  }

  get({ kind, id }: Pick<KeptDocument, 'kind' | 'id'>): Kept | undefined {
    return this.#kept.get(`${kind}/${id}`) as Kept | undefined
  }

  async put(document: Kept): Promise<void> {
    const kept = { ...document, at: Date.now() }
    // The file is written first, because a record that is only in memory is lost at the next start.
    await this.#write(kept)
    this.#kept.set(keyOf(kept), kept)
    if (Date.now() - this.#prunedAt > rememberMs / 24) await this.#prune()
  }

  async #write(kept: Record): Promise<void> {
    if (!this.#dir) return
    const file = join(this.#dir, `${keyOf(kept)}.json`)
    await writeFile(`${file}.tmp`, `${JSON.stringify(kept)}\n`, { mode: 0o600 })
    await rename(`${file}.tmp`, file)
  }

  async #prune(): Promise<void> {
    this.#prunedAt = Date.now()
    for (const [key, kept] of this.#kept) {
      if (!isForgotten(kept)) continue
      this.#kept.delete(key)
      if (this.#dir) await rm(join(this.#dir, `${key}.json`), { force: true })
    }
  }

  #load(folder: string): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(folder)) {
      const file = join(folder, name)
      const kept = name.endsWith('.json') ? readRecord(file) : null
      // A half-written or damaged record is removed: the control plane delivers the document again.
      if (!kept || isForgotten(kept)) unlinkSync(file)
      else this.#kept.set(keyOf(kept), kept)
    }
  }
}

const keyOf = ({ kind, id }: Pick<KeptDocument, 'kind' | 'id'>) => `${kind}/${id}`
const isForgotten = ({ gone, at }: Record) => gone && Date.now() - at > rememberMs

function readRecord(file: string): Record | null {
  try {
    return record.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return null
  }
}
