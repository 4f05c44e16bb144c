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
  /** The facts of this host's network; raises `unsupported` with a sentence that says what to install. */
  probe(op: Op): Promise<NetworkFacts>
  list(op: Op): Promise<ObservedNetwork>
  /** The recorded ports of an instance, in the order of their tags: to adopt a guest that no row knows. */
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
 * The additional methods that only the agent on the same host calls. Every driver that runs on a host (and
 * the fake) has them; the agent protocol and its client do not.
 */
export interface LocalNetworkDriver extends NetworkDriver {
  /** Re-applies everything that is recorded on this host. Called at agent start. */
  restore(op: Op): Promise<RestoreReport>
  /** The port from which a packet with this source address on this network must come: so the metadata service knows its client. */
  findPort(
    networkId: string,
    address: string,
  ): { portId: string; instanceId: string; projectId: string } | null
  /** Networks that have a metadata address, and the namespace in which it must be served. */
  metadataNamespaces(): { networkId: string; namespace: string }[]
  /** Calls `listener` whenever the answer of metadataNamespaces changes. Returns the function that stops this. */
  onMetadataChange(listener: () => void): () => void
  /** The recorded ports of an instance, in the order of their tags: for its metadata. */
  portsOf(instanceId: string): RecordedPort[]
  /** The recorded wish for a router; null when there is none. */
  describeRouter(op: Op, id: string): Promise<RouterSpec | null>
}

export type NetworkFacts = {
  /** The namespace in which guests, bridges and the external network live, and from which tests reach guests. */
  namespace: string
  externalCidr: string
  /** The destinations, as CIDRs, to which guests on this host may open no connection; with egress off these are all. */
  guestDeny: readonly string[]
  /** The name servers that guests may use on port 53, also when they lie within guestDeny. */
  guestNameServers: readonly string[]
}

/** The wishes for a host; the schemas are in spec.ts. */
export type NetworkSpec = Described<typeof spec.networkSpec>
export type SubnetSpec = Described<typeof spec.subnetSpec>
export type PortSpec = Described<typeof spec.portSpec>
export type FilterRule = Described<typeof spec.filterRule>
export type RouterSpec = Described<typeof spec.routerSpec>
export type AddressSetSpec = Described<typeof spec.addressSetSpec>

/** What a host says that it has; the schemas are in observed.ts. */
export type ObservedPort = z.output<typeof observed.observedPort>
export type ObservedNetwork = z.output<typeof observed.observedNetwork>
/** A port as the control plane last described it, with the network that it is on. */
export type RecordedPort = Described<typeof observed.recordedPort>
export type NetworkCapabilities = Described<typeof observed.networkCapabilities>

export type RestoreReport = { restored: number; failed: { kind: string; id: string; reason: string }[] }
