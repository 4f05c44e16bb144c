import { z } from 'zod'
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

export type HostCapabilities = {
  hypervisor: HypervisorCapabilities
  network: NetworkCapabilities
  storage: StorageCapabilities
}

/** What a host tells of itself at every beat. All of it is at hand there: no process is run and no lock waited for. */
export type HostReport = { machine: HostFacts; disk: DiskSpace; capabilities: HostCapabilities }

/** Of any machine that there is; with the ratios of a host still an int of PostgreSQL. */
const most = { vcpus: 65_536, memoryMib: 2 ** 30, diskGib: 2 ** 30 }
const upTo = (max: number) => z.int().min(0).max(max)
/** A host's words, as PostgreSQL takes them. */
const words = (max: number) =>
  z.string().transform((text) => text.slice(0, max).replaceAll('\0', '').toWellFormed())
const reason = words(2_000).nullable()

const hostFacts: z.ZodType<HostFacts> = z.object({
  hypervisor: words(255),
  version: words(255),
  accelerator: z.enum(['kvm', 'tcg', 'fake']),
  acceleratorReason: reason,
  vcpus: upTo(most.vcpus),
  memoryMib: upTo(most.memoryMib),
  diskGib: upTo(most.diskGib),
  isolation: z.object({
    users: z.boolean(),
    cgroup: z.enum(['v2', 'v1', 'none']),
    controllers: z.array(words(64)).max(64),
    reason,
  }),
  cpuModel: words(255),
  uptimeSeconds: upTo(Number.MAX_SAFE_INTEGER),
  load: z.array(z.number().min(0)).max(3),
})

/**
 * What the control plane keeps of a report. An agent may be of another version, or broken: what is not kept is
 * left out unread, and texts are cut and cleaned; anything else that is wrong is no report.
 */
export const keptReport = z.object({
  machine: hostFacts,
  disk: z.object({ totalGib: upTo(most.diskGib), freeGib: upTo(most.diskGib) }),
  capabilities: z.object({ network: z.object({ egress: z.enum(['on', 'off']) }) }),
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
