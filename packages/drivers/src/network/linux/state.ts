import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncDirectory } from '../../sync.ts'
import type { AddressSetSpec, NetworkSpec, PortSpec, RouterSpec } from '../interface.ts'
import { checkAddressSet, checkNetwork, checkPort, checkRouter } from '../validate.ts'

/**
 * A recorded wish with its slot, a small number that this host gave it: a network's slot is its conntrack
 * zone, a port's slot is its half of the packet mark. Both have 16 bits in the kernel; tags have more.
 *
 * The record is written before the kernel is changed, with a mark that is removed when the whole change is done.
 * A mark that is found later (after a kill, a failure or a cancelled call) means that the change must be made again.
 */
const record = z.object({
  slot: z.int().min(0).max(65_535),
  spec: z.looseObject({ id: z.string() }),
  pending: z.object({ addresses: z.array(z.string()) }).optional(),
  leaving: z.literal(true).optional(),
})
/** `pending`: a change has begun, after which flows of these addresses must be judged or ended. `leaving`: a removal has begun. */
export type Entry<Spec> = { slot: number; spec: Spec; pending?: { addresses: string[] }; leaving?: true }

export const isWhole = ({ pending, leaving }: Entry<unknown>): boolean => !pending && !leaving

export type BadRecord = { kind: string; id: string; reason: string }

/** A folder of `<id>.json` files and a copy of them in memory. Each file is written under another name and renamed, so it is always complete. */
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
        // The bad file stays on disk: restore() reports it, and the next ensure of this id replaces it.
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
   * Writes the record. With `durable` it also outlives a power cut. That costs one or two flushes of the disk (5 to
   * 15 ms), so only changes that take rights away ask for it, and only before the change: at worst the mark
   * survives the power cut, and the change is made again.
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

  /** Marks the entry as being removed; returns null when there is no record. */
  async leave(id: string): Promise<Entry<Spec> | null> {
    const known = this.entries.get(id)
    if (!known) return null
    const entry: Entry<Spec> = { ...known, leaving: true }
    await this.put(entry, { durable: true })
    return entry
  }

  /** Removes the mark of the record, after all of the change is made. */
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

/** The records of everything that this host was asked to have, under `dir` = hosts/<host>/network. */
export class State {
  readonly networks: Shelf<NetworkSpec>
  readonly ports: Shelf<PortSpec>
  readonly routers: Shelf<RouterSpec>
  readonly sets: Shelf<AddressSetSpec>
  readonly dir: string

  constructor(dir: string) {
    this.dir = dir
    mkdirSync(dir, { recursive: true })
    // dnsmasq, which is not root, may read <dir>/dhcp and nothing else here.
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

  /** True when no change of the resource is unfinished. */
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

  /** The recorded ports of a network, without those that are being removed. */
  portsOf(networkId: string): Entry<PortSpec>[] {
    const entries = [...this.ports.entries.values()]
    return entries.filter(({ spec, leaving }) => spec.networkId === networkId && !leaving)
  }
}

export function eraseState(dir: string): void {
  rmSync(dir, { recursive: true, force: true })
}
