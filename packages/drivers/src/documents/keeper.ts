import { mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { NetworkDriver, ObservedPort } from '../network/interface.ts'
import type { Op } from '../op.ts'
import type { DocumentKeeper, DocumentKind, HostDocument, KeptDocument, Receipt } from './interface.ts'

export type KeeperOptions = {
  network: NetworkDriver
  /** hosts/<host>/documents; absent: nothing outlives the process (simulated hosts). */
  dir?: string
}

/** What something needs comes before it; what goes, the other way round. */
const order: readonly DocumentKind[] = ['network', 'addressSet', 'router', 'port']

export function createDocuments(options: KeeperOptions): DocumentKeeper {
  return new Keeper(options)
}

class Keeper implements DocumentKeeper {
  readonly #network: NetworkDriver
  readonly #shelf: Shelf

  constructor({ network, dir }: KeeperOptions) {
    this.#network = network
    this.#shelf = new Shelf(dir)
  }

  async list(): Promise<KeptDocument[]> {
    return this.#shelf.all
  }

  async apply(op: Op, documents: readonly HostDocument[]): Promise<Receipt[]> {
    const receipts = new Map<HostDocument, Receipt>()
    let waiting = sorted(documents)
    // Two things may change places (an address goes from one port to another): what was in the way is gone
    // after the others have had their turn.
    for (;;) {
      const again: HostDocument[] = []
      for (const document of waiting) {
        const receipt = await this.#one(op, document)
        receipts.set(document, receipt)
        if (receipt.outcome === 'failed' && receipt.code === 'conflict') again.push(document)
      }
      if (again.length === 0 || again.length === waiting.length) break
      waiting = again
    }
    return documents.flatMap((document) => receipts.get(document) ?? [])
  }

  async #one(op: Op, document: HostDocument): Promise<Receipt> {
    const { kind, id, generation } = document
    const about = { kind, id, generation }
    const known = this.#shelf.get(about)
    if (known && known.generation > generation) return { ...about, outcome: 'older', known: known.generation }
    try {
      const isNew = known?.generation !== generation
      const kept = { ...about, reached: false, gone: document.body === null }
      // Before the work: whoever comes with an older one meanwhile, or after a crash, is refused.
      if (isNew) await this.#shelf.put(kept)
      const port = await this.#realise(op, document)
      if (this.#shelf.get(about)?.generation === generation) await this.#shelf.put({ ...kept, reached: true })
      return { ...about, outcome: 'reached', ...(port ? { port } : {}) }
    } catch (error) {
      if (!(error instanceof DriverError)) throw error
      return { ...about, outcome: 'failed', code: error.code, message: error.message }
    }
  }

  async #realise(op: Op, { kind, id, body }: HostDocument): Promise<ObservedPort | null> {
    const network = this.#network
    switch (kind) {
      case 'network':
        await (body ? network.ensureNetwork(op, body) : network.removeNetwork(op, id))
        return null
      case 'addressSet':
        await (body ? network.ensureAddressSet(op, body) : network.removeAddressSet(op, id))
        return null
      case 'router':
        await (body ? network.ensureRouter(op, body) : network.removeRouter(op, id))
        return null
      case 'port':
        if (body) return network.ensurePort(op, body)
        await network.removePort(op, id)
        return null
    }
  }
}

/** Removals first, latest things first; then what should be there, in the order in which it is needed. */
function sorted(documents: readonly HostDocument[]): HostDocument[] {
  const rank = ({ kind, body }: HostDocument) => {
    const at = order.indexOf(kind)
    // A port in the way of another goes first; a network goes when nothing is left on it.
    if (body !== null) return order.length + at
    return kind === 'port' || kind === 'router' ? -at : 3 * order.length - at
  }
  return [...documents].sort((a, b) => rank(a) - rank(b) || a.generation - b.generation)
}

const record = z.strictObject({
  kind: z.enum(['network', 'addressSet', 'router', 'port']),
  id: z.string(),
  generation: z.number().int(),
  reached: z.boolean(),
  gone: z.boolean(),
  at: z.number(),
})
type Record = z.output<typeof record>
/** Of what has gone the generation is remembered for so long: no delivery is under way for longer. */
const rememberMs = 24 * 3_600_000

/**
 * The generations, one small file each, so that a killed agent remembers them. They are not synced: after
 * a crash of the machine no delivery of before it is under way any more.
 */
class Shelf {
  readonly #kept = new Map<string, Record>()
  readonly #dir: string | undefined
  #prunedAt = Date.now()

  constructor(dir: string | undefined) {
    this.#dir = dir
    if (dir) for (const kind of order) this.#load(join(dir, kind))
  }

  get all(): KeptDocument[] {
    return [...this.#kept.values()].map(({ at, ...document }) => document)
  }

  get({ kind, id }: Pick<KeptDocument, 'kind' | 'id'>): KeptDocument | undefined {
    return this.#kept.get(`${kind}/${id}`)
  }

  async put(document: KeptDocument): Promise<void> {
    const kept = { ...document, at: Date.now() }
    this.#kept.set(keyOf(kept), kept)
    await this.#write(kept)
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
      // Half of a write, or spoiled: the thing is told anew.
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
