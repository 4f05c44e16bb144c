import { isDeepStrictEqual } from 'node:util'
import { DriverError } from '../../errors.ts'
import { backgroundOp, type Op } from '../../op.ts'
import type {
  AddressSetSpec,
  LocalNetworkDriver,
  NetworkCapabilities,
  NetworkFacts,
  NetworkSpec,
  ObservedNetwork,
  ObservedPort,
  PortSpec,
  RecordedPort,
  RestoreReport,
  RouterSpec,
} from '../interface.ts'
import * as related from '../relations.ts'
import { checkAddressSet, checkId, checkNetwork, checkPort, checkRouter } from '../validate.ts'
import { ensureBridge } from './bridges.ts'
import { portChange, routerChange, setChange, takesAway } from './changes.ts'
import { ensureDhcp } from './dhcp.ts'
import { run } from './exec.ts'
import { ensureExternal, floatingRanges } from './external.ts'
import { addressSetFilter } from './filter.ts'
import { closed, type GuestDeny } from './guard.ts'
import { type Kernel, owned, readKernel } from './kernel.ts'
import { cleanupOp, Lock } from './lock.ts'
import { checkPlace, dhcpNamespace, hostNamespace, tapName } from './names.ts'
import { namespaceExists, requireKernel } from './namespace.ts'
import { observe } from './observe.ts'
import { ensurePlane, noteSize, type Plane } from './plane.ts'
import {
  applyPort,
  ensureSetParts,
  finishPort,
  observedPort,
  portDifference,
  removePortParts,
} from './ports.ts'
import { dropNetwork, restoreAll } from './restore.ts'
import { ensureRouterParts, removeRouterParts } from './routers.ts'
import { defaultWholeBytes } from './rules.ts'
import { State } from './state.ts'
import { keepUplink } from './uplink.ts'
import { superviseAll } from './watch.ts'

export type LinuxNetworkOptions = {
  /** Short id of the cloud: 4 to 6 lower-case letters or digits. */
  cloud: string
  host: string
  /** The folder hosts/<host>/network for records and DHCP files. Other users should be able to pass its parents (o+x). */
  dir: string
  /** 'on' links the data plane to the machine; 'off' makes no link, so that no packet leaves. */
  egress: 'on' | 'off'
  /** The destinations that guests may not reach by the machine. Default: the networks that the machine is connected to. */
  guestDeny?: GuestDeny
  /** The name servers of guests, which guests may use also within guestDeny. */
  nameServers?: readonly string[]
  /** Reported by probe() until an external network is recorded. Default 172.24.4.0/24. */
  externalCidr?: string
  /** The namespace that stands for the machine in tests; the machine's own when absent. */
  machineNamespace?: string
  /** How often every dnsmasq is checked, in milliseconds; 0: never. Default 3000. */
  watchMs?: number
  /** How often the machine's networks and our rules on the machine are checked, in milliseconds; 0: never. Default 10 000. */
  guardMs?: number
  /** How long a snapshot of the kernel is used, in milliseconds; 0: never. Default 300. */
  snapshotMs?: number
  /** A ruleset of more bytes is read by pieces. Only tests set this. */
  wholeBytes?: number
  /** The log of the periodic checks. Without a log there are no periodic checks. */
  log?: Op['log']
}

export type LinuxNetwork = LocalNetworkDriver & {
  /** Stops the periodic checks. Everything in the kernel stays as it is. */
  close(): void
}

/** The network driver for Linux bridges, nftables, dnsmasq and namespaces; filter.ts says how packets are filtered. */
export function createLinuxNetwork(options: LinuxNetworkOptions): LinuxNetwork {
  return new Driver(options)
}

class Driver implements LinuxNetwork {
  readonly capabilities: NetworkCapabilities
  readonly #plane: Plane
  readonly #lock = new Lock()
  readonly #externalCidr: string
  readonly #listeners = new Set<() => void>()
  #metadataDirty = false
  readonly #timers: NodeJS.Timeout[] = []

  constructor(options: LinuxNetworkOptions) {
    const place = checkPlace({ cloud: options.cloud, host: options.host })
    const { egress } = options
    this.capabilities = { floatingIps: true, ipv6: false, securityGroups: true, egress }
    this.#externalCidr = options.externalCidr ?? '172.24.4.0/24'
    this.#plane = {
      place,
      namespace: hostNamespace(place),
      state: new State(options.dir),
      egress,
      deny: options.guestDeny ?? { connected: true, cidrs: [] },
      nameServers: options.nameServers ?? [],
      guard: null,
      machineNamespace: options.machineNamespace,
      snapshotMs: options.snapshotMs ?? 300,
      snapshot: null,
      rulesBytes: 0,
      wholeBytes: options.wholeBytes ?? defaultWholeBytes,
      baseSeenAt: Number.NEGATIVE_INFINITY,
      metadataChanged: () => {
        this.#metadataDirty = true
      },
    }
    const { watchMs = 3_000, guardMs = 10_000, log } = options
    if (watchMs > 0 && log)
      this.#timers.push(setInterval(() => this.#watch(backgroundOp(log, 'dhcp')), watchMs).unref())
    if (guardMs > 0 && log)
      this.#timers.push(setInterval(() => this.#guard(backgroundOp(log, 'guard')), guardMs).unref())
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  async probe(op: Op): Promise<NetworkFacts> {
    await requireKernel(op)
    for (const argv of [
      ['nft', '--version'],
      ['dnsmasq', '--version'],
      ['conntrack', '--version'],
    ])
      await run(op, argv)
    await this.#change(op, async () => undefined)
    const external = floatingRanges(this.#plane, '', null)[0] ?? this.#externalCidr
    const { namespace, guard } = this.#plane
    return {
      namespace,
      externalCidr: external,
      guestDeny: [...(guard ?? closed).denied, '::/0'],
      guestNameServers: [...(guard ?? closed).nameServers],
    }
  }

  async list(op: Op): Promise<ObservedNetwork> {
    const kernel = await readKernel(op, this.#plane.namespace)
    noteSize(this.#plane, kernel)
    return observe(op, this.#plane, kernel)
  }

  ensureNetwork(op: Op, wish: NetworkSpec): Promise<void> {
    const plane = this.#plane
    return this.#change(op, async (kernel) => {
      const spec = checkNetwork(wish)
      related.relateNetwork(plane.state.recorded, spec)
      const known = plane.state.networks.entries.get(spec.id)
      const slot = slotOr(plane.state.networks.slotFor(spec.id), 'networks')
      try {
        await ensureBridge(op, plane, spec, slot, kernel)
        await ensureDhcp(op, plane, spec, kernel)
        await ensureExternal(op, plane, spec, kernel)
      } catch (error) {
        if (!known) await dropNetwork(cleanupOp(op), plane, { spec, slot })
        throw error
      }
      if (!isDeepStrictEqual(known, { spec, slot })) await plane.state.networks.put({ spec, slot })
    })
  }

  removeNetwork(op: Op, id: string): Promise<void> {
    const { state } = this.#plane
    return this.#change(op, async (kernel) => {
      related.releaseNetwork(state.recorded, checkId(id))
      const entry = await state.networks.leave(id)
      if (entry) await dropNetwork(op, this.#plane, entry)
      else
        for (const orphan of owned(kernel, 'network'))
          if (orphan.id === id) await this.#dropOrphan(op, orphan.link.name)
      await state.networks.remove(id)
    })
  }

  /** Removes a bridge that has no record. The tag of its network is part of its name. */
  async #dropOrphan(op: Op, bridge: string): Promise<void> {
    const kernel = await readKernel(op, this.#plane.namespace)
    const [, id = '', slot] = kernel.links.get(bridge)?.alias.split(' ') ?? []
    const tag = Number.parseInt(bridge.slice(`br${this.#plane.place.cloud}`.length), 36)
    const spec = { id, tag, mtu: 1500, external: false, subnets: [] }
    await dropNetwork(op, this.#plane, { spec, slot: Number(slot) })
  }

  ensurePort(op: Op, wish: PortSpec): Promise<ObservedPort> {
    const plane = this.#plane
    const { ports, networks } = plane.state
    return this.#change(op, async (kernel) => {
      const spec = checkPort(wish)
      related.relatePort(plane.state.recorded, spec)
      const network = networks.entries.get(spec.networkId)
      if (!network || network.leaving)
        throw new DriverError('not_found', `Network ${spec.networkId} is not on this host.`)
      const known = ports.entries.get(spec.id)
      const entry = portChange(spec, slotOr(ports.slotFor(spec.id), 'ports'), known)
      const port = { entry, network }
      op.progress('plugging port')
      if (entry.pending) await ports.put(entry, { durable: takesAway(spec, known) })
      try {
        if (await portDifference(op, plane, port, kernel)) await applyPort(op, plane, port, kernel)
      } catch (error) {
        if (!known) await ports.remove(spec.id)
        throw error
      }
      if (entry.pending) await finishPort(op, plane, port, known)
      return observedPort(plane, spec)
    })
  }

  removePort(op: Op, id: string): Promise<void> {
    const { ports } = this.#plane.state
    return this.#change(op, async (kernel) => {
      const entry = await ports.leave(checkId(id))
      await removePortParts(op, this.#plane, id, entry, kernel)
      await ports.remove(id)
    })
  }

  ensureRouter(op: Op, wish: RouterSpec): Promise<void> {
    const plane = this.#plane
    const { routers } = plane.state
    return this.#change(op, async (kernel) => {
      const spec = checkRouter(wish)
      related.relateRouter(plane.state.recorded, spec)
      const known = routers.entries.get(spec.id)
      const entry = routerChange(spec, known)
      if (entry.pending) await routers.put(entry, { durable: known !== undefined })
      try {
        await ensureRouterParts(op, plane, entry, kernel)
      } catch (error) {
        if (!known) {
          const cleanup = cleanupOp(op)
          await removeRouterParts(cleanup, plane, spec.id, spec, await readKernel(cleanup, plane.namespace))
          await routers.remove(spec.id)
        }
        throw error
      }
      if (entry.pending) await routers.finish(entry)
    })
  }

  removeRouter(op: Op, id: string): Promise<void> {
    const { routers } = this.#plane.state
    return this.#change(op, async (kernel) => {
      const entry = await routers.leave(checkId(id))
      await removeRouterParts(op, this.#plane, id, entry?.spec ?? null, kernel)
      await routers.remove(id)
    })
  }

  ensureAddressSet(op: Op, wish: AddressSetSpec): Promise<void> {
    const { sets } = this.#plane.state
    return this.#change(op, async (kernel) => {
      const spec = checkAddressSet(wish)
      const known = sets.entries.get(spec.id)
      const entry = setChange(spec, known)
      if (entry.pending || !isDeepStrictEqual(known, entry))
        await sets.put(entry, { durable: entry.pending !== undefined })
      try {
        await ensureSetParts(op, this.#plane, entry, kernel)
      } catch (error) {
        if (!known) await sets.remove(spec.id)
        throw error
      }
      if (entry.pending) await sets.finish(entry)
    })
  }

  removeAddressSet(op: Op, id: string): Promise<void> {
    const { state } = this.#plane
    return this.#change(op, async (kernel) => {
      related.releaseAddressSet(state.recorded, checkId(id))
      await state.sets.leave(id)
      await kernel.rules.remove(op, addressSetFilter(id, []))
      await state.sets.remove(id)
    })
  }

  async restore(op: Op): Promise<RestoreReport> {
    let report: RestoreReport = { restored: 0, failed: [] }
    await this.#change(op, async () => {
      report = await restoreAll(op, this.#plane)
    })
    return report
  }

  findPort(networkId: string, address: string) {
    return related.findPortIn(this.#plane.state.ports.specs.values(), networkId, address)
  }

  async describePorts(_op: Op, instanceId: string): Promise<RecordedPort[]> {
    return this.portsOf(instanceId)
  }

  portsOf(instanceId: string): RecordedPort[] {
    return related.portsOfIn(this.#plane.state.recorded, instanceId, (tag) => tapName(this.#plane.place, tag))
  }

  async describeRouter(_op: Op, id: string): Promise<RouterSpec | null> {
    return this.#plane.state.routers.entries.get(id)?.spec ?? null
  }

  metadataNamespaces(): { networkId: string; namespace: string }[] {
    const served = [...this.#plane.state.networks.specs.values()].filter(related.servesDhcp)
    return served
      .map((network) => ({ networkId: network.id, namespace: dhcpNamespace(this.#plane.place, network.id) }))
      .filter(({ namespace }) => namespaceExists(namespace))
  }

  onMetadataChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Runs one change after the other, each on a complete data plane: when somebody removed the namespace or
   * the base rules, everything that is recorded is restored before the change.
   */
  #change<T>(op: Op, work: (kernel: Kernel) => Promise<T>): Promise<T> {
    return this.#lock.run(op, async () => {
      try {
        const { kernel, mended } = await ensurePlane(op, this.#plane)
        if (mended === null) return await work(kernel)
        op.log.warn({ namespace: this.#plane.namespace, mended }, 'the data plane had to be made anew')
        await restoreAll(op, this.#plane)
        return await work(await readKernel(op, this.#plane.namespace))
      } finally {
        if (this.#metadataDirty) {
          this.#metadataDirty = false
          for (const listener of this.#listeners) listener()
        }
      }
    })
  }

  #watch(op: Op): void {
    this.#lock
      .run(op, () => superviseAll(op, this.#plane))
      .catch((error: unknown) => {
        op.log.error({ err: error }, 'DHCP servers could not be looked after')
      })
  }

  #guard(op: Op): void {
    this.#lock
      .run(op, async () => {
        const wrong = await keepUplink(op, this.#plane, floatingRanges(this.#plane, '', null))
        if (wrong) op.log.warn({ wrong }, 'what keeps guests off the machine was put right')
      })
      .catch((error: unknown) => {
        op.log.error({ err: error }, 'what guests may reach of the machine could not be looked at')
      })
  }
}

function slotOr(slot: number | null, what: string): number {
  if (slot === null) throw new DriverError('no_space', `This host has its 65,535 ${what}: use another host.`)
  return slot
}
