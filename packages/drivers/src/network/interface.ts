import type { z } from 'zod'
import type { Described } from '../frozen.ts'
import type { Op } from '../op.ts'
import type * as observed from './observed.ts'
import type * as spec from './spec.ts'

/**
 * The data plane of one host. Every `ensure` states the whole wish for one resource, is
 * idempotent, persists the wish on the host (so that a restarted agent re-applies it with the
 * control plane down) and touches no other resource: one poisoned spec fails alone.
 */
export interface NetworkDriver {
  readonly capabilities: NetworkCapabilities
  /** What this kernel can do; raises `unsupported` with a sentence that says what to install. */
  probe(op: Op): Promise<NetworkFacts>
  list(op: Op): Promise<ObservedNetwork>
  /** What is recorded of an instance's ports, in the order of their tags: to adopt a guest that no row knows. */
  describePorts(op: Op, instanceId: string): Promise<RecordedPort[]>
  ensureNetwork(op: Op, spec: NetworkSpec): Promise<void>
  removeNetwork(op: Op, id: string): Promise<void>
  /** Filtering is in place (default drop, read back) before the link comes up. */
  ensurePort(op: Op, spec: PortSpec): Promise<ObservedPort>
  removePort(op: Op, id: string): Promise<void>
  ensureRouter(op: Op, spec: RouterSpec): Promise<void>
  removeRouter(op: Op, id: string): Promise<void>
  /** Members of a security group, for rules that name a group. Replaces the whole set at once. */
  ensureAddressSet(op: Op, spec: AddressSetSpec): Promise<void>
  removeAddressSet(op: Op, id: string): Promise<void>
}

/**
 * What only the agent beside it needs: never spoken over the wire. Every driver that runs on a
 * host (and the fake) offers it; the remote client does not.
 */
export interface LocalNetworkDriver extends NetworkDriver {
  /** Re-applies everything that is recorded on this host. Called at agent start. */
  restore(op: Op): Promise<RestoreReport>
  /** Which port a packet of (network, source address) must come from: the metadata service's identity. */
  findPort(
    networkId: string,
    address: string,
  ): { portId: string; instanceId: string; projectId: string } | null
  /** Networks that have a metadata address, and the namespace in which it must be served. */
  metadataNamespaces(): { networkId: string; namespace: string }[]
  /** Called with networkIds whenever the answer of metadataNamespaces changes. Returns the way to stop. */
  onMetadataChange(listener: () => void): () => void
  /** What is recorded of an instance's ports, in the order of their tags: for its metadata. */
  portsOf(instanceId: string): RecordedPort[]
  /** What is recorded of a router. */
  describeRouter(op: Op, id: string): Promise<RouterSpec | null>
}

export type NetworkFacts = {
  /** Namespace in which guests, bridges and the external network live; where tests reach guests from. */
  namespace: string
  externalCidr: string
  /** Where no packet that a guest begins goes from this host, as CIDRs; with egress off that is everywhere. */
  guestDeny: readonly string[]
  /** Name servers that guests may ask (port 53), also within guestDeny. */
  guestNameServers: readonly string[]
}

/** What a host is to have; spec.ts says of what each consists. */
export type NetworkSpec = Described<typeof spec.networkSpec>
export type SubnetSpec = Described<typeof spec.subnetSpec>
export type PortSpec = Described<typeof spec.portSpec>
export type FilterRule = Described<typeof spec.filterRule>
export type RouterSpec = Described<typeof spec.routerSpec>
export type AddressSetSpec = Described<typeof spec.addressSetSpec>

/** What it has; observed.ts says of what each consists. */
export type ObservedPort = z.output<typeof observed.observedPort>
export type ObservedNetwork = z.output<typeof observed.observedNetwork>
/** A port as the control plane last described it, with the network that it is on. */
export type RecordedPort = Described<typeof observed.recordedPort>
export type NetworkCapabilities = Described<typeof observed.networkCapabilities>

export type RestoreReport = { restored: number; failed: { kind: string; id: string; reason: string }[] }
