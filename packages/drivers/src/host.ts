import type { HypervisorDriver } from './hypervisor/interface.ts'
import type { NetworkDriver } from './network/interface.ts'
import type { StorageDriver } from './storage/interface.ts'

/** Everything that one host offers; the same shape whether local, remote (an agent) or fake. */
export type HostDrivers = {
  hypervisor: HypervisorDriver
  network: NetworkDriver
  storage: StorageDriver
}
