import { z } from 'zod'
import type { BackupDriver } from './backups/interface.ts'
import type { DocumentKeeper } from './documents/interface.ts'
import type { Described } from './frozen.ts'
import type { HostFacts, HypervisorDriver, LocalHypervisorDriver } from './hypervisor/interface.ts'
import { hostFacts, hypervisorCapabilities } from './hypervisor/observed.ts'
import type { LocalNetworkDriver, NetworkDriver } from './network/interface.ts'
import { networkCapabilities } from './network/observed.ts'
import type { Op } from './op.ts'
import type { DiskSpace, LocalStorageDriver, StorageDriver } from './storage/interface.ts'
import { diskSpace, storageCapabilities } from './storage/observed.ts'
import type { LocalVolumeDriver, VolumeDriver } from './volumes/interface.ts'

/** The drivers without the methods that the control plane never calls: it asks for these changes in documents alone. */
export type RemoteHypervisor = Omit<HypervisorDriver, 'plug'>
export type RemoteNetwork = Omit<NetworkDriver, 'probe' | 'ensureRouter' | 'ensureAddressSet'>
export type RemoteStorage = Omit<StorageDriver, 'probe' | 'ensureDisk'>

/** Everything that one host offers; the same shape whether local, remote (an agent) or fake. */
export type HostDrivers = {
  hypervisor: RemoteHypervisor
  network: RemoteNetwork
  storage: RemoteStorage
  volumes: VolumeDriver
  backups: BackupDriver
  /** The wish for the host, delivered as documents instead of single calls. */
  documents: DocumentKeeper
  /** The state of the host, in one call. */
  report(op: Op): Promise<HostReport>
}

export const hostCapabilities = z.object({
  hypervisor: hypervisorCapabilities,
  network: networkCapabilities,
  storage: storageCapabilities,
})
export type HostCapabilities = Described<typeof hostCapabilities>

/** What a host tells of itself at every heartbeat. The agent has all of it at hand: it runs no process and waits for no lock. */
export type HostReport = { machine: HostFacts; disk: DiskSpace; capabilities: HostCapabilities }

/**
 * The part of a report that the control plane keeps. An agent may have another version or be broken: fields that are
 * not listed here are ignored, and texts are cut and cleaned; a report with any other fault is refused.
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
/** Makes the report from the drivers of one host, on that host. */
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

/** The drivers on the host itself, with the additional methods that the agent needs. */
export type LocalHostDrivers = HostDrivers & {
  hypervisor: LocalHypervisorDriver
  network: LocalNetworkDriver
  storage: LocalStorageDriver
  volumes: LocalVolumeDriver
}
