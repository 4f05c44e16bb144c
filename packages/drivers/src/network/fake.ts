import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { digestsOf } from './digest.ts'
import type {
  AddressSetSpec,
  LocalNetworkDriver,
  NetworkDriver,
  NetworkSpec,
  ObservedPort,
  PortSpec,
  RestoreReport,
  RouterSpec,
} from './interface.ts'
import * as related from './relations.ts'
import { checkAddressSet, checkId, checkNetwork, checkPort, checkRouter } from './validate.ts'

export type FakeNetworkOptions = {
  /** How long each call takes, in milliseconds. Default 0. */
  latencyMs?: number
  host?: string
  egress?: 'on' | 'off'
  externalCidr?: string
  /** The `state` of an earlier fake, as a restarted agent finds it. The new fake changes this very object. */
  state?: FakeNetworkState
}

/** A thing in the simulated kernel: the wish that its rules follow, and the wish under which its living flows were begun. */
export type FakeKernelThing = { wish: { id: string }; flows: { id: string } }

/** The recorded wishes of the simulated host and the state of its kernel; `lost` simulates a reboot. */
export type FakeNetworkState = {
  networks: Map<string, NetworkSpec>
  ports: Map<string, PortSpec>
  routers: Map<string, RouterSpec>
  sets: Map<string, AddressSetSpec>
  /** Ids that are recorded but not in the simulated kernel, until they are ensured or restored. */
  lost: Set<string>
  /** The things in the simulated kernel, by id. They differ from the record when a change was not finished. */
  kernel: Map<string, FakeKernelThing>
  /** The marks in the record, by id: a change has begun (`pending`), a removal has begun (`leaving`). */
  marks: Map<string, 'pending' | 'leaving'>
}

export type FakeNetworkMethod = Exclude<keyof NetworkDriver, 'capabilities'> | 'restore' | 'describeRouter'

/** The simulator's own controls, beside the driver interface. */
export type FakeNetwork = LocalNetworkDriver & {
  readonly state: FakeNetworkState
  /** How often each method was called. */
  readonly calls: Readonly<Partial<Record<FakeNetworkMethod, number>>>
  /** The next call of that method raises this and changes nothing. May be queued several times. */
  failNext(method: FakeNetworkMethod, error: DriverError): void
  /** That resource (or all) vanishes from the simulated kernel; its record stays. */
  lose(id?: string): void
  /**
   * Kills the agent after so many steps (a record, a filter, flows that end) of the following changes: the call in
   * progress never ends, and `then` is called. The steps that were done before stay done.
   */
  killAfter(steps: number, then: () => void): void
}

class Killed extends Error {}

export function emptyFakeState(): FakeNetworkState {
  const records = { networks: new Map(), ports: new Map(), routers: new Map(), sets: new Map() }
  return { ...records, lost: new Set(), kernel: new Map(), marks: new Map() }
}

/** A network that only pretends, with the checks, conflicts and answers of the real one. */
export function createFakeNetwork(options: FakeNetworkOptions = {}): FakeNetwork {
  return new Fake(options)
}

class Fake implements FakeNetwork {
  get capabilities() {
    return { floatingIps: true, ipv6: false, securityGroups: true, egress: this.#options.egress ?? 'off' }
  }
  readonly state: FakeNetworkState
  readonly calls: Partial<Record<FakeNetworkMethod, number>> = {}
  readonly #options: FakeNetworkOptions
  readonly #failures: { method: FakeNetworkMethod; error: DriverError }[] = []
  readonly #listeners = new Set<() => void>()

  #kill: { steps: number; then: () => void } | null = null

  constructor(options: FakeNetworkOptions) {
    this.#options = options
    this.state = options.state ?? emptyFakeState()
  }

  failNext(method: FakeNetworkMethod, error: DriverError): void {
    this.#failures.push({ method, error })
  }

  lose(id?: string): void {
    const { networks, ports, routers, sets, lost } = this.state
    const all = [networks, ports, routers, sets].flatMap((map) => [...map.keys()])
    for (const known of id === undefined ? all : [id]) {
      lost.add(known)
      this.state.kernel.delete(known)
    }
  }

  killAfter(steps: number, then: () => void): void {
    this.#kill = { steps, then }
  }

  async #call<T>(op: Op, method: FakeNetworkMethod, work: () => T): Promise<T> {
    this.calls[method] = (this.calls[method] ?? 0) + 1
    if (this.#options.latencyMs) await sleep(this.#options.latencyMs)
    if (op.signal.aborted)
      throw new DriverError('unavailable', 'The call was cancelled before its turn came.')
    const index = this.#failures.findIndex((failure) => failure.method === method)
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1)
    if (failure) throw failure.error
    const before = this.#served()
    const result = this.#alive(work)
    if (result === killed) return new Promise<never>(() => undefined)
    if (this.#served() !== before) for (const listener of this.#listeners) listener()
    return result
  }

  #served(): string {
    return this.metadataNamespaces()
      .map((item) => item.networkId)
      .join()
  }

  #alive<T>(work: () => T): T | typeof killed {
    try {
      return work()
    } catch (error) {
      if (error instanceof Killed) return killed
      throw error
    }
  }

  #step(work: () => void): void {
    const kill = this.#kill
    if (kill && kill.steps-- <= 0) {
      this.#kill = null
      queueMicrotask(kill.then)
      throw new Killed()
    }
    work()
  }

  /** Makes the change in the order of the real driver: record with mark, filter, flows, record without mark. */
  #put<Spec extends { id: string }>(map: Map<string, Spec>, wish: Spec): void {
    const { marks, kernel } = this.state
    const spec = structuredClone(wish)
    const isNews = marks.has(spec.id) || !isDeepStrictEqual(map.get(spec.id), spec)
    if (isNews)
      this.#step(() => {
        map.set(spec.id, spec)
        marks.set(spec.id, 'pending')
      })
    this.#apply(spec)
    if (!isNews) return
    this.#step(() => kernel.set(spec.id, { wish: spec, flows: spec }))
    this.#step(() => marks.delete(spec.id))
  }

  #apply(spec: { id: string }): void {
    const { kernel, lost } = this.state
    const found = kernel.get(spec.id)
    if (found && !lost.has(spec.id) && isDeepStrictEqual(found.wish, spec)) return
    this.#step(() => {
      kernel.set(spec.id, { wish: spec, flows: found?.flows ?? spec })
      lost.delete(spec.id)
    })
  }

  #drop(map: Map<string, unknown>, id: string): void {
    const { marks, kernel, lost } = this.state
    if (map.has(id)) this.#step(() => marks.set(id, 'leaving'))
    this.#step(() => kernel.delete(id))
    this.#step(() => {
      map.delete(id)
      marks.delete(id)
      lost.delete(id)
    })
  }

  #present(map: ReadonlyMap<string, unknown>): string[] {
    return [...map.keys()].filter((id) => !this.state.lost.has(id)).sort()
  }

  get #namespace(): string {
    return `stfake-${this.#options.host ?? 'host'}`
  }

  probe(op: Op) {
    const { externalCidr = '172.24.4.0/24' } = this.#options
    const { egress } = this.capabilities
    const guestDeny = egress === 'off' ? ['0.0.0.0/0', '::/0'] : ['127.0.0.0/8', '169.254.0.0/16', '::/0']
    const facts = { namespace: this.#namespace, externalCidr, guestDeny, guestNameServers: [] }
    return this.#call(op, 'probe', () => facts)
  }

  list(op: Op) {
    return this.#call(op, 'list', () => ({
      networks: this.#present(this.state.networks),
      ports: this.#present(this.state.ports).flatMap((id) => {
        const spec = this.state.ports.get(id)
        return spec ? [observedPort(spec)] : []
      }),
      routers: this.#present(this.state.routers),
      addressSets: this.#present(this.state.sets),
      digests: digestsOf(this.state, (id) => !this.state.lost.has(id) && !this.state.marks.has(id)),
    }))
  }

  describePorts(op: Op, instanceId: string) {
    return this.#call(op, 'describePorts', () => this.portsOf(instanceId))
  }

  ensureNetwork(op: Op, wish: NetworkSpec): Promise<void> {
    return this.#call(op, 'ensureNetwork', () => {
      const spec = checkNetwork(wish)
      related.relateNetwork(this.state, spec)
      this.#put(this.state.networks, spec)
    })
  }

  removeNetwork(op: Op, id: string): Promise<void> {
    return this.#call(op, 'removeNetwork', () => {
      related.releaseNetwork(this.state, checkId(id))
      this.#drop(this.state.networks, id)
    })
  }

  ensurePort(op: Op, wish: PortSpec): Promise<ObservedPort> {
    return this.#call(op, 'ensurePort', () => {
      const spec = checkPort(wish)
      related.relatePort(this.state, spec)
      op.progress('plugging port')
      this.#put(this.state.ports, spec)
      return observedPort(spec)
    })
  }

  removePort(op: Op, id: string): Promise<void> {
    return this.#call(op, 'removePort', () => this.#drop(this.state.ports, checkId(id)))
  }

  ensureRouter(op: Op, wish: RouterSpec): Promise<void> {
    return this.#call(op, 'ensureRouter', () => {
      const spec = checkRouter(wish)
      related.relateRouter(this.state, spec)
      this.#put(this.state.routers, spec)
    })
  }

  removeRouter(op: Op, id: string): Promise<void> {
    return this.#call(op, 'removeRouter', () => this.#drop(this.state.routers, checkId(id)))
  }

  ensureAddressSet(op: Op, wish: AddressSetSpec): Promise<void> {
    return this.#call(op, 'ensureAddressSet', () => this.#put(this.state.sets, checkAddressSet(wish)))
  }

  removeAddressSet(op: Op, id: string): Promise<void> {
    return this.#call(op, 'removeAddressSet', () => {
      related.releaseAddressSet(this.state, checkId(id))
      this.#drop(this.state.sets, id)
    })
  }

  restore(op: Op): Promise<RestoreReport> {
    return this.#call(op, 'restore', () => {
      const { networks, ports, routers, sets, lost, marks } = this.state
      let restored = 0
      for (const map of [ports, routers, sets, networks] as Map<string, { id: string }>[])
        for (const [id, spec] of map) {
          restored += 1
          if (marks.get(id) === 'leaving') this.#drop(map, id)
          else if (marks.has(id)) this.#put(map, spec)
          else this.#apply(spec)
        }
      lost.clear()
      return { restored, failed: [] }
    })
  }

  findPort(networkId: string, address: string) {
    return related.findPortIn(this.state.ports.values(), networkId, address)
  }

  portsOf(instanceId: string) {
    return related.portsOfIn(this.state, instanceId, tapOf)
  }

  describeRouter(op: Op, id: string): Promise<RouterSpec | null> {
    return this.#call(op, 'describeRouter', () => this.state.routers.get(id) ?? null)
  }

  metadataNamespaces(): { networkId: string; namespace: string }[] {
    const served = [...this.state.networks.values()].filter(related.servesDhcp)
    return served
      .filter((network) => !this.state.lost.has(network.id))
      .map((network) => ({ networkId: network.id, namespace: `${this.#namespace}.dhcp.${network.id}` }))
  }

  onMetadataChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

const killed = Symbol('killed')
const tapOf = (tag: number) => `tap${tag.toString(36)}`

function observedPort(spec: PortSpec): ObservedPort {
  const { id, tag, adminUp, instanceId } = spec
  return { id, tap: tapOf(tag), state: adminUp ? 'active' : 'down', instanceId }
}
