import type { Op } from '../op.ts'

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

/** A port as the control plane last described it, with the network that it is on. */
export type RecordedPort = {
  port: PortSpec
  tap: string
  network: NetworkSpec
  floatingIps: readonly { address: string; fixedAddress: string }[]
}

export type NetworkCapabilities = {
  floatingIps: boolean
  ipv6: boolean
  securityGroups: boolean
  /** Whether anything passes between guests and the world; the same for as long as the driver lives. */
  egress: 'on' | 'off'
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

export type NetworkSpec = {
  id: string
  /** Small positive number, unique in the cloud, from which kernel names and conntrack zones come. */
  tag: number
  mtu: number
  external: boolean
  subnets: readonly SubnetSpec[]
}
export type SubnetSpec = {
  id: string
  cidr: string
  gatewayIp: string | null
  dhcp: boolean
  /** Address of the DHCP server itself; null when dhcp is off. */
  dhcpIp: string | null
  dns: readonly string[]
}

export type PortSpec = {
  id: string
  tag: number
  networkId: string
  mac: string
  mtu: number
  addresses: readonly { subnetId: string; ip: string; prefix: number }[]
  hostname: string
  instanceId: string
  projectId: string
  /** False: no filtering and no anti-spoofing (needs ownership of the network). */
  portSecurity: boolean
  adminUp: boolean
  rules: readonly FilterRule[]
}
/** One allowed kind of traffic; everything else is dropped, replies to allowed flows pass. */
export type FilterRule = {
  direction: 'ingress' | 'egress'
  ethertype: 'IPv4' | 'IPv6'
  /** IP protocol number; null: any. */
  protocol: number | null
  /** Ports for tcp, udp, sctp; type and code for icmp. Null: any. */
  portMin: number | null
  portMax: number | null
  remote: { cidr: string } | { addressSet: string } | null
}
/** `instanceId`: "" when no record says. */
export type ObservedPort = { id: string; tap: string; state: 'active' | 'down'; instanceId: string }

export type RouterSpec = {
  id: string
  tag: number
  adminUp: boolean
  external: { networkId: string; address: string; prefix: number; gatewayIp: string } | null
  interfaces: readonly { portId: string; networkId: string; mac: string; address: string; prefix: number }[]
  floatingIps: readonly { id: string; address: string; fixedAddress: string }[]
}

export type AddressSetSpec = { id: string; addresses: readonly string[] }

export type ObservedNetwork = {
  networks: string[]
  ports: ObservedPort[]
  routers: string[]
  addressSets: string[]
  /** wishDigest of what each of them was last asked to be, by id; none for what no record knows, or is not done with. */
  digests: Record<string, string>
}
export type RestoreReport = { restored: number; failed: { kind: string; id: string; reason: string }[] }
