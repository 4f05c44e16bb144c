import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncDirectory } from '../../sync.ts'
import type { AddressSetSpec, NetworkSpec, PortSpec, RouterSpec } from '../interface.ts'
import { checkAddressSet, checkNetwork, checkPort, checkRouter } from '../validate.ts'

/**
 * A recorded wish and the small number that this host gave it: a network's slot is its conntrack
 * zone, a port's slot its half of the packet mark. Both are 16 bits wide in the kernel, tags are not.
 *
 * The record is written before the kernel is changed, with a mark that goes when all of the change is done:
 * whoever finds a mark (after a kill, a failure or a call that was given up) has to do the whole of it again.
 */
const record = z.object({
  slot: z.int().min(0).max(65_535),
  spec: z.looseObject({ id: z.string() }),
  pending: z.object({ addresses: z.array(z.string()) }).optional(),
  leaving: z.literal(true).optional(),
})
/** `pending`: a change of it has begun; flows of these addresses are to be ended, or judged, by it. `leaving`: its removal has. */
export type Entry<Spec> = { slot: number; spec: Spec; pending?: { addresses: string[] }; leaving?: true }

export const isWhole = ({ pending, leaving }: Entry<unknown>): boolean => !pending && !leaving

export type BadRecord = { kind: string; id: string; reason: string }

/** One folder of `<id>.json` files, kept in memory too; a file is always whole (written aside, then renamed). */
export class Shelf<Spec extends { id: string }> {
  readonly entries = new Map<string, Entry<Spec>>()
  readonly bad: BadRecord[] = []
  readonly #dir: string
  readonly #slotted: boolean

  constructor(dir: string, kind: string, check: (spec: Spec) => Spec, slotted: boolean) {
    this.#dir = dir
    this.#slotted = slotted
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    for (const file of readdirSync(dir)) {
      if (file.endsWith('.tmp')) unlinkSync(join(dir, file))
      if (!file.endsWith('.json')) continue
      const id = file.slice(0, -'.json'.length)
      try {
        const read = record.parse(JSON.parse(readFileSync(join(dir, file), 'utf8')))
        const spec = check(read.spec as unknown as Spec)
        if (spec.id !== id) throw new Error(`it describes ${spec.id}`)
        this.entries.set(id, { ...read, spec })
      } catch (error) {
        // Left on disk: the next ensure of this id replaces it, and restore() reports it.
        this.bad.push({
          kind,
          id,
          reason: `The recorded ${kind} is unreadable: ${String(error).slice(0, 200)}`,
        })
      }
    }
  }

  get specs(): ReadonlyMap<string, Spec> {
    return new Map([...this.entries].map(([id, entry]) => [id, entry.spec]))
  }

  /** The slot of `id`, or the smallest free one; null when all 65,535 are taken. */
  slotFor(id: string): number | null {
    if (!this.#slotted) return 0
    const known = this.entries.get(id)
    if (known) return known.slot
    const taken = new Set([...this.entries.values()].map((entry) => entry.slot))
    for (let slot = 1; slot <= 65_535; slot += 1) if (!taken.has(slot)) return slot
    return null
  }

  /**
   * `durable`: it also outlives a power cut. That costs a flush of the disk or two (5 to 15 ms), so only what takes
   * something away asks for it, once: what follows it is lost to the mark at worst, which is then done again.
   */
  async put(entry: Entry<Spec>, { durable = false } = {}): Promise<void> {
    const file = join(this.#dir, `${entry.spec.id}.json`)
    const handle = await open(`${file}.tmp`, 'w', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(entry)}\n`)
      if (durable) await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${file}.tmp`, file)
    this.entries.set(entry.spec.id, entry)
    this.#forgetBad(entry.spec.id)
    if (durable) await syncDirectory(this.#dir)
  }

  /** Its removal begins; null when nothing is recorded of it. */
  async leave(id: string): Promise<Entry<Spec> | null> {
    const known = this.entries.get(id)
    if (!known) return null
    const entry: Entry<Spec> = { ...known, leaving: true }
    await this.put(entry, { durable: true })
    return entry
  }

  /** All of what it says is done. */
  async finish({ slot, spec }: Entry<Spec>): Promise<void> {
    await this.put({ slot, spec })
  }

  async remove(id: string): Promise<void> {
    await rm(join(this.#dir, `${id}.json`), { force: true })
    this.entries.delete(id)
    this.#forgetBad(id)
  }

  #forgetBad(id: string): void {
    const index = this.bad.findIndex((item) => item.id === id)
    if (index >= 0) this.bad.splice(index, 1)
  }
}

/** Everything this host was asked to have, under `dir` = hosts/<host>/network. */
export class State {
  readonly networks: Shelf<NetworkSpec>
  readonly ports: Shelf<PortSpec>
  readonly routers: Shelf<RouterSpec>
  readonly sets: Shelf<AddressSetSpec>
  readonly dir: string

  constructor(dir: string) {
    this.dir = dir
    mkdirSync(dir, { recursive: true })
    // dnsmasq, which is not root, reads its files in <dir>/dhcp; the rest is closed to it.
    chmodSync(dir, 0o711)
    this.networks = new Shelf(join(dir, 'networks'), 'network', checkNetwork, true)
    this.ports = new Shelf(join(dir, 'ports'), 'port', checkPort, true)
    this.routers = new Shelf(join(dir, 'routers'), 'router', checkRouter, false)
    this.sets = new Shelf(join(dir, 'sets'), 'addressSet', checkAddressSet, false)
  }

  get recorded() {
    return {
      networks: this.networks.specs,
      ports: this.ports.specs,
      routers: this.routers.specs,
      sets: this.sets.specs,
    }
  }

  /** Nothing of what was asked about it is still to be done. */
  isWhole(id: string): boolean {
    const shelves = [this.networks, this.ports, this.routers, this.sets]
    return shelves.every((shelf) => {
      const entry = shelf.entries.get(id)
      return !entry || isWhole(entry)
    })
  }

  get bad(): BadRecord[] {
    return [...this.networks.bad, ...this.sets.bad, ...this.routers.bad, ...this.ports.bad]
  }

  /** Ports of a network that stay. */
  portsOf(networkId: string): Entry<PortSpec>[] {
    const entries = [...this.ports.entries.values()]
    return entries.filter(({ spec, leaving }) => spec.networkId === networkId && !leaving)
  }
}

export function eraseState(dir: string): void {
  rmSync(dir, { recursive: true, force: true })
}
