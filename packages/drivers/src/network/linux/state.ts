import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { AddressSetSpec, NetworkSpec, PortSpec, RouterSpec } from '../interface.ts'
import { checkAddressSet, checkNetwork, checkPort, checkRouter } from '../validate.ts'

/**
 * A recorded wish and the small number that this host gave it: a network's slot is its conntrack
 * zone, a port's slot its half of the packet mark. Both are 16 bits wide in the kernel, tags are not.
 */
const record = z.object({ slot: z.int().min(0).max(65_535), spec: z.looseObject({ id: z.string() }) })
export type Entry<Spec> = { slot: number; spec: Spec }

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
        this.entries.set(id, { slot: read.slot, spec })
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

  async put(entry: Entry<Spec>): Promise<void> {
    const file = join(this.#dir, `${entry.spec.id}.json`)
    await writeFile(`${file}.tmp`, `${JSON.stringify(entry)}\n`, { mode: 0o600 })
    await rename(`${file}.tmp`, file)
    this.entries.set(entry.spec.id, entry)
    this.#forgetBad(entry.spec.id)
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

  get bad(): BadRecord[] {
    return [...this.networks.bad, ...this.sets.bad, ...this.routers.bad, ...this.ports.bad]
  }

  portsOf(networkId: string): Entry<PortSpec>[] {
    return [...this.ports.entries.values()].filter((entry) => entry.spec.networkId === networkId)
  }
}

export function eraseState(dir: string): void {
  rmSync(dir, { recursive: true, force: true })
}
