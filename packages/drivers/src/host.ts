import type { DocumentKeeper } from './documents/interface.ts'
import type {
  HostFacts,
  HypervisorCapabilities,
  HypervisorDriver,
  LocalHypervisorDriver,
} from './hypervisor/interface.ts'
import type { LocalNetworkDriver, NetworkCapabilities, NetworkDriver } from './network/interface.ts'
import type { Op } from './op.ts'
import type {
  DiskSpace,
  LocalStorageDriver,
  StorageCapabilities,
  StorageDriver,
} from './storage/interface.ts'

/** What comes to a host in documents alone is not asked of it from elsewhere. */
export type RemoteHypervisor = Omit<HypervisorDriver, 'plugNics'>
export type RemoteNetwork = Omit<NetworkDriver, 'ensureRouter' | 'ensureAddressSet'>
export type RemoteStorage = Omit<StorageDriver, 'ensureDisk'>

/** Everything that one host offers; the same shape whether local, remote (an agent) or fake. */
export type HostDrivers = {
  hypervisor: RemoteHypervisor
  network: RemoteNetwork
  storage: RemoteStorage
  /** What the host should be, told as a whole instead of call by call. */
  documents: DocumentKeeper
  /** Of a host elsewhere: reportOf in one call. */
  report?(op: Op): Promise<HostReport>
}

export type HostCapabilities = {
  hypervisor: HypervisorCapabilities
  network: NetworkCapabilities
  storage: StorageCapabilities
}

/** What a host tells of itself at every beat. All of it is at hand there: no process is run and no lock waited for. */
export type HostReport = { machine: HostFacts; disk: DiskSpace; capabilities: HostCapabilities }

export async function reportOf(host: HostDrivers, op: Op): Promise<HostReport> {
  if (host.report) return host.report(op)
  const [machine, disk] = await Promise.all([host.hypervisor.probe(op), host.storage.probe(op)])
  return { machine, disk, capabilities: capabilitiesOf(host) }
}

export const capabilitiesOf = ({ hypervisor, network, storage }: HostDrivers): HostCapabilities => ({
  hypervisor: hypervisor.capabilities,
  network: network.capabilities,
  storage: storage.capabilities,
})

/** The same on the host itself, with what the agent needs besides. */
export type LocalHostDrivers = HostDrivers & {
  hypervisor: LocalHypervisorDriver
  network: LocalNetworkDriver
  storage: LocalStorageDriver
}
