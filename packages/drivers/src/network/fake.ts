import { setTimeout as sleep } from 'node:timers/promises'
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
  /** What each call takes, in milliseconds. Default 0. */
  latencyMs?: number
  host?: string
  egress?: 'on' | 'off'
  externalCidr?: string
  /** What an earlier fake left (its `state`), as a restarted agent finds it. Used in place. */
  state?: FakeNetworkState
}

/** What the simulated host was asked to have (`recorded`) and what it has: `lost` simulates a reboot. */
export type FakeNetworkState = {
  networks: Map<string, NetworkSpec>
  ports: Map<string, PortSpec>
  routers: Map<string, RouterSpec>
  sets: Map<string, AddressSetSpec>
  /** Ids that are recorded but not in the simulated kernel, until they are ensured or restored. */
  lost: Set<string>
}

export type FakeNetworkMethod = Exclude<keyof NetworkDriver, 'capabilities'> | 'restore'

/** The simulator's own controls, beside the driver interface. */
export type FakeNetwork = LocalNetworkDriver & {
  readonly state: FakeNetworkState
  /** How often each method was called. */
  readonly calls: Readonly<Partial<Record<FakeNetworkMethod, number>>>
  /** The next call of that method raises this and changes nothing. May be queued several times. */
  failNext(method: FakeNetworkMethod, error: DriverError): void
  /** That resource (or all) vanishes from the simulated kernel; its record stays. */
  lose(id?: string): void
}

export function emptyFakeState(): FakeNetworkState {
  return { networks: new Map(), ports: new Map(), routers: new Map(), sets: new Map(), lost: new Set() }
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
    for (const known of id === undefined ? all : [id]) lost.add(known)
  }

  async #call<T>(op: Op, method: FakeNetworkMethod, work: () => T): Promise<T> {
    this.calls[method] = (this.calls[method] ?? 0) + 1
    if (this.#options.latencyMs) await sleep(this.#options.latencyMs)
    if (op.signal.aborted) throw new DriverError('unavailable', 'The call was given up before its turn came.')
    const index = this.#failures.findIndex((failure) => failure.method === method)
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1)
    if (failure) throw failure.error
    const before = this.#served()
    const result = work()
    if (this.#served() !== before) for (const listener of this.#listeners) listener()
    return result
  }

  #served(): string {
    return this.metadataNamespaces()
      .map((item) => item.networkId)
      .join()
  }

  #put<Spec extends { id: string }>(map: Map<string, Spec>, spec: Spec): void {
    map.set(spec.id, structuredClone(spec))
    this.state.lost.delete(spec.id)
  }

  #drop(map: Map<string, unknown>, id: string): void {
    map.delete(id)
    this.state.lost.delete(id)
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
      digests: digestsOf(this.state, (id) => !this.state.lost.has(id)),
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
      const { networks, ports, routers, sets, lost } = this.state
      lost.clear()
      return { restored: networks.size + ports.size + routers.size + sets.size, failed: [] }
    })
  }

  findPort(networkId: string, address: string) {
    return related.findPortIn(this.state.ports.values(), networkId, address)
  }

  portsOf(instanceId: string) {
    return related.portsOfIn(this.state, instanceId, tapOf)
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

const tapOf = (tag: number) => `tap${tag.toString(36)}`

function observedPort(spec: PortSpec): ObservedPort {
  const { id, tag, adminUp, instanceId } = spec
  return { id, tap: tapOf(tag), state: adminUp ? 'active' : 'down', instanceId }
}
