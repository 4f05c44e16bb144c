import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createDocuments } from '@stratolith/drivers/documents'
import type {
  DocumentKeeper,
  HostDocument,
  KeptDocument,
  Receipt,
} from '@stratolith/drivers/documents/interface'
import { DriverError } from '@stratolith/drivers/errors'
import { createFakeParts, type FakeParts } from '@stratolith/drivers/fake-parts'
import { type HostDrivers, reportOf } from '@stratolith/drivers/host'
import { wishDigest } from '@stratolith/drivers/network/digest'
import type { FakeNetwork } from '@stratolith/drivers/network/fake'
import type { LocalNetworkDriver } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import { pino } from 'pino'

type Kind = keyof typeof wishDigest

/** A machine with an agent that can be killed, and a wire to the agent on which messages are late, doubled or lost. */

/** An operation whose time never ends, however many stories are run. */
const op: Op = {
  id: 'machine',
  signal: new AbortController().signal,
  log: pino({ level: 'silent' }),
  progress: () => undefined,
}
const none = 'none'
const maps = { network: 'networks', router: 'routers', port: 'ports', addressSet: 'sets' } as const
export const kinds = ['network', 'addressSet', 'router', 'port'] as const

/** A call of `documents/apply` that has not been answered yet. */
type Message = {
  documents: readonly HostDocument[]
  resolve(receipts: Receipt[]): void
  reject(error: Error): void
}

export class Machine {
  readonly network: FakeNetwork
  /** Broken rules in words; the machine behaves well while the list is empty. */
  readonly violations: string[] = []
  readonly wire: Message[] = []
  /** 'late': calls wait on the wire until `arrive` delivers them; 'swift': they are carried out at once. */
  way: 'late' | 'swift' = 'swift'
  readonly #guests: Omit<FakeParts, 'network'>
  #keeper!: DocumentKeeper
  #dir: string
  #life = 0
  readonly #folders: string[] = []
  /** For each thing and generation, the digests of the specs that the host was told. */
  #said = new Map<string, Map<number, Set<string>>>()
  /** The newest generation of each thing that the host has answered to have reached. */
  #reached = new Map<string, number>()
  #kept = new Map<string, KeptDocument>()

  constructor(name: string) {
    const { network, ...guests } = createFakeParts({ network: { host: name } })
    this.network = network
    this.#guests = guests
    this.#dir = this.#folder()
    this.#start()
  }

  get drivers(): HostDrivers {
    const documents: DocumentKeeper = {
      apply: (_op, documents) => this.#call(documents),
      list: (its, kind) => this.#keeper.list(its, kind),
    }
    const parts = { ...this.#guests, network: this.network }
    return { ...parts, documents, report: (its) => reportOf(parts, its) }
  }

  /** kill -9 and a new start: the disk is unchanged, except that a file that was being written may be half there. */
  async restart(half = false): Promise<void> {
    this.#life++
    this.spare()
    const before = this.#dir
    this.#dir = this.#folder()
    copyFolder(before, this.#dir)
    if (half) fs.writeFileSync(path.join(this.#dir, 'port/half.json.tmp'), '{"kind":"po')
    const restored = this.network.restore(op)
    this.#start()
    await restored
    this.#look('after a restart')
    await this.#watchGenerations('after a restart')
  }

  /** Cancels a kill that was ordered with `dieAfter`: the agent has died in another way, or the story ends. */
  spare(): void {
    this.network.killAfter(Number.POSITIVE_INFINITY, () => undefined)
  }
  /** Orders a kill -9 in the middle of a change, after this many of its steps. */
  dieAfter(steps: number): void {
    this.network.killAfter(steps, () => void this.restart())
  }

  /**
   * The machine itself crashes: a file that was not synced is lost, spoiled or an older version, and so is what the
   * network driver had recorded. Calls that were under way end.
   */
  async crash(pick: (below: number) => number): Promise<void> {
    this.#life++
    this.spare()
    this.cut()
    const files = fs
      .readdirSync(this.#dir, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.json'))
      .sort()
    const file = files[pick(files.length)]
    if (file && pick(2) === 0) fs.rmSync(path.join(this.#dir, file))
    else if (file) fs.truncateSync(path.join(this.#dir, file), 9)
    const ports = [...this.network.state.ports.keys()]
    const port = ports[pick(ports.length)]
    this.network.lose()
    if (port) this.network.state.ports.delete(port)
    void this.network.restore(op)
    this.#reached.clear()
    this.#kept.clear()
    this.#start()
  }

  cut(): void {
    for (const message of this.wire.splice(0)) message.reject(gone())
  }
  /** The database is restored to an older state, and from now on its words count. No call may be under way. */
  forgetWhatWasSaid(): void {
    this.#said.clear()
    this.#reached.clear()
  }

  /**
   * Delivers the message to the host. With `answered` false the answer is lost; with `again` the message also stays on
   * the wire.
   */
  async arrive(message: Message, { answered = true, again = false } = {}): Promise<void> {
    if (!again) this.wire.splice(this.wire.indexOf(message), 1)
    try {
      const receipts = await this.#apply(message.documents)
      if (answered) message.resolve(receipts)
      else message.reject(gone())
    } catch (error) {
      message.reject(error as Error)
    }
  }
  lose(message: Message): void {
    this.wire.splice(this.wire.indexOf(message), 1)
    message.reject(gone())
  }

  end(): void {
    for (const dir of this.#folders) fs.rmSync(dir, { recursive: true })
  }

  #start(): void {
    const life = this.#life
    // The killed agent may still run in this process; its calls reach nothing any more.
    const network = new Proxy<LocalNetworkDriver>(this.network, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 2))
          if (life !== this.#life) return new Promise(() => undefined)
          try {
            return await Reflect.apply(value, target, args)
          } finally {
            this.#look(String(name))
          }
        }
      },
    })
    this.#keeper = createDocuments({ ...this.#guests, network, dir: this.#dir })
  }

  #call(documents: readonly HostDocument[]): Promise<Receipt[]> {
    if (this.way === 'swift') return this.#apply(documents)
    return new Promise((resolve, reject) => {
      this.wire.push({ documents, resolve, reject })
    })
  }

  async #apply(documents: readonly HostDocument[]): Promise<Receipt[]> {
    for (const document of documents) this.#hear(document)
    const life = this.#life
    const ended = new AbortController()
    const killed = new Promise<never>((_, reject) => {
      const look = setInterval(() => life !== this.#life && reject(gone()), 1)
      ended.signal.addEventListener('abort', () => clearInterval(look))
    })
    try {
      const receipts = await Promise.race([this.#keeper.apply(op, documents), killed])
      for (const { kind, id, generation, outcome } of receipts) {
        const key = `${kind}/${id}`
        if (outcome === 'reached') this.#reached.set(key, Math.max(generation, this.#reached.get(key) ?? 0))
      }
      this.#look('an answer')
      await this.#watchGenerations('after an answer')
      return receipts
    } finally {
      ended.abort()
    }
  }

  #hear(document: HostDocument): void {
    const key = `${document.kind}/${document.id}`
    const said = this.#said.get(key) ?? new Map<number, Set<string>>()
    this.#said.set(key, said)
    const digest = digestOf(document)
    const before = said.get(document.generation)
    if (before && !before.has(digest))
      this.violations.push(`generation ${document.generation} of ${key} says two things`)
    said.set(document.generation, new Set([digest, ...waysBetween(document)]))
  }

  /**
   * Checks that what the host has of each thing was told by a generation that is not older than the one it has reached.
   */
  #look(when: string): void {
    for (const [key, reached] of this.#reached) {
      const [kind, id] = key.split('/') as [Kind, string]
      const has = this.network.state[maps[kind]].get(id)
      const kernel = this.network.state.kernel.get(id)
      const allowed = [...(this.#said.get(key) ?? [])].filter(([generation]) => generation >= reached)
      for (const [what, wish] of Object.entries({
        record: has,
        kernel: kernel?.wish,
        flows: kernel?.flows,
      })) {
        const digest = wish ? wishDigest[kind](wish as never) : none
        if (!allowed.some(([, digests]) => digests.has(digest)))
          this.violations.push(
            `${what} of ${key} is older than generation ${reached}, which it had reached (${when})`,
          )
      }
    }
  }

  async #watchGenerations(when: string): Promise<void> {
    const life = this.#life
    const keeper = this.#keeper
    const list = (await Promise.all(kinds.map((kind) => keeper.list(op, kind)))).flat()
    if (life !== this.#life) return
    for (const kept of list) {
      const key = `${kept.kind}/${kept.id}`
      const before = this.#kept.get(key)
      if (before && before.generation > kept.generation)
        this.violations.push(
          `${key} fell from generation ${before.generation} to ${kept.generation} (${when})`,
        )
      this.#kept.set(key, kept)
    }
  }

  #folder(): string {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'machine-'))
    this.#folders.push(dir)
    return dir
  }
}

/** Copies a folder. A thread of the killed agent may rename a file during the copy; then the copy is tried again. */
function copyFolder(from: string, to: string, tries = 20): void {
  try {
    fs.cpSync(from, to, { recursive: true })
  } catch (error) {
    if (tries === 1 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    fs.rmSync(to, { recursive: true, force: true })
    copyFolder(from, to, tries - 1)
  }
}

const gone = () => new DriverError('unavailable', 'The connection broke off.')

const digestOf = (document: HostDocument): string =>
  document.body ? wishDigest[document.kind as Kind](document.body as never) : none

/**
 * The agent's keeper takes the address from a thing for a moment when two things change places; these digests are of
 * that moment.
 */
function waysBetween(document: HostDocument): string[] {
  if (document.kind === 'port' && document.body) return [wishDigest.port({ ...document.body, addresses: [] })]
  if (document.kind === 'router' && document.body)
    return [wishDigest.router({ ...document.body, external: null, floatingIps: [] })]
  return []
}

/**
 * Random numbers that depend on the seed alone: an integer below `n`, an item of a list, and true in `n` of a hundred
 * cases.
 */
export function chance(seed: number) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    below,
    of: <T>(list: readonly T[]): T | undefined => list[below(list.length)],
    percent: (n: number) => next() * 100 < n,
  }
}
export type Chance = ReturnType<typeof chance>
