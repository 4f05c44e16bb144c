import type { DocumentKeeper } from './documents/interface.ts'
import type { HypervisorDriver, LocalHypervisorDriver } from './hypervisor/interface.ts'
import type { LocalNetworkDriver, NetworkDriver } from './network/interface.ts'
import type { StorageDriver } from './storage/interface.ts'

/** Everything that one host offers; the same shape whether local, remote (an agent) or fake. */
export type HostDrivers = {
  hypervisor: HypervisorDriver
  network: NetworkDriver
  storage: StorageDriver
  /** What the host should be, told as a whole instead of call by call. */
  documents: DocumentKeeper
}

/** The same on the host itself, with what the agent needs besides. */
export type LocalHostDrivers = HostDrivers & {
  hypervisor: LocalHypervisorDriver
  network: LocalNetworkDriver
}
