import { z } from 'zod'
import type { DocumentKeeper } from './documents/interface.ts'
import type { Described } from './frozen.ts'
import type { HostFacts, HypervisorDriver, LocalHypervisorDriver } from './hypervisor/interface.ts'
import { hostFacts, hypervisorCapabilities } from './hypervisor/observed.ts'
import type { LocalNetworkDriver, NetworkDriver } from './network/interface.ts'
import { networkCapabilities } from './network/observed.ts'
import type { Op } from './op.ts'
import type { DiskSpace, LocalStorageDriver, StorageDriver } from './storage/interface.ts'
import { diskSpace, storageCapabilities } from './storage/observed.ts'

/** What comes to a host in documents alone is not asked of it from elsewhere. */
export type RemoteHypervisor = Omit<HypervisorDriver, 'plugNics'>
export type RemoteNetwork = Omit<NetworkDriver, 'probe' | 'ensureRouter' | 'ensureAddressSet'>
export type RemoteStorage = Omit<StorageDriver, 'probe' | 'ensureDisk'>

/** Everything that one host offers; the same shape whether local, remote (an agent) or fake. */
export type HostDrivers = {
  hypervisor: RemoteHypervisor
  network: RemoteNetwork
  storage: RemoteStorage
  /** What the host should be, told as a whole instead of call by call. */
  documents: DocumentKeeper
  /** What it is like, in one call. */
  report(op: Op): Promise<HostReport>
}

export const hostCapabilities = z.object({
  hypervisor: hypervisorCapabilities,
  network: networkCapabilities,
  storage: storageCapabilities,
})
export type HostCapabilities = Described<typeof hostCapabilities>

/** What a host tells of itself at every beat. All of it is at hand there: no process is run and no lock waited for. */
export type HostReport = { machine: HostFacts; disk: DiskSpace; capabilities: HostCapabilities }

/**
 * What the control plane keeps of a report. An agent may be of another version, or broken: what is not kept is
 * left out unread, and texts are cut and cleaned; anything else that is wrong is no report.
 */
export const keptReport = z.object({
  machine: hostFacts,
  disk: diskSpace,
  capabilities: z.object({ network: networkCapabilities.pick({ egress: true }) }),
})
export type KeptReport = z.output<typeof keptReport>

type Parts = {
  hypervisor: Pick<HypervisorDriver, 'probe' | 'capabilities'>
  network: Pick<NetworkDriver, 'capabilities'>
  storage: Pick<StorageDriver, 'probe' | 'capabilities'>
}
/** Of the drivers of one host, on that host. */
export async function reportOf(host: Parts, op: Op): Promise<HostReport> {
  const [machine, disk] = await Promise.all([host.hypervisor.probe(op), host.storage.probe(op)])
  return { machine, disk, capabilities: capabilitiesOf(host) }
}

type Capable = { [K in keyof HostCapabilities]: { capabilities: HostCapabilities[K] } }
export const capabilitiesOf = ({ hypervisor, network, storage }: Capable): HostCapabilities => ({
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
