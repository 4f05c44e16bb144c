import type { Duplex } from 'node:stream'
import type { Op } from '../op.ts'

/** What runs on a host: guests. Keys are our instance UUIDs; `ensure` and `remove` are idempotent. */
export interface HypervisorDriver {
  readonly capabilities: HypervisorCapabilities
  /** What this machine can do and has. Slow the first time (boots a boot sector), then cached. */
  probe(op: Op): Promise<HostFacts>
  /** Every guest this driver knows on this host, running or not. */
  list(op: Op): Promise<ObservedInstance[]>
  /** Null when the host has nothing of that id. */
  get(op: Op, id: string): Promise<ObservedInstance | null>
  /**
   * The description that ensure() got last, so that a guest that no row knows can be adopted; without
   * its first password. Null when this host has no such guest.
   */
  describe(op: Op, id: string): Promise<InstanceSpec | null>
  /**
   * Makes the guest exist as described and, when `spec.power` is 'running', run. Replaying it
   * with the same spec changes nothing; a changed spec is used at the next start.
   * On failure nothing new is left behind.
   */
  ensure(op: Op, spec: InstanceSpec): Promise<ObservedInstance>
  /** Kills the guest and forgets it; disks belong to storage. Succeeds when already gone. */
  remove(op: Op, id: string): Promise<void>
  start(op: Op, id: string): Promise<ObservedInstance>
  /**
   * Presses the ACPI power button and returns at once: that the guest has powered off is told by
   * subscribe. One that is still booting has not heard it; whoever waits presses again. Conflict
   * when it does not run.
   */
  pressButton(op: Op, id: string): Promise<ObservedInstance>
  /** Off at once, the guest unasked. Succeeds when already off. */
  stop(op: Op, id: string): Promise<ObservedInstance>
  /** A new process at once, the guest unasked. */
  reboot(op: Op, id: string): Promise<ObservedInstance>
  /**
   * These and no other NICs, at once when the guest runs and else at its next start: what is new is
   * plugged in; for what is gone the guest is asked to let go of it. Returns the ports of those that
   * it still holds; whoever waits asks again.
   */
  plugNics(op: Op, id: string, nics: readonly NicAttachment[]): Promise<string[]>
  pause(op: Op, id: string): Promise<ObservedInstance>
  unpause(op: Op, id: string): Promise<ObservedInstance>
  /** Counters of a running guest since its start. Conflict when it does not run. */
  diagnostics(op: Op, id: string): Promise<GuestDiagnostics>
  /** The (encrypted) password that the guest has left at the metadata service; "" when none. */
  password(op: Op, id: string): Promise<string>
  /** Forgets it, so that the guest may leave another. */
  clearPassword(op: Op, id: string): Promise<void>
  /** Power changes as they happen, also those that the guest itself makes. Returns the way to stop. */
  subscribe(listener: (event: HypervisorEvent) => void): () => void
  readonly console?: ConsoleFacet
  readonly backup?: BackupFacet
}

/** What only the agent beside it needs: never spoken over the wire. */
export interface LocalHypervisorDriver extends HypervisorDriver {
  /** The description that ensure() got last, from disk; null when this host has no such guest. */
  specOf(id: string): Promise<InstanceSpec | null>
}

export interface ConsoleFacet {
  /** A byte stream to this very guest. Conflict when it does not run. */
  open(op: Op, id: string, protocol: ConsoleProtocol): Promise<Duplex>
  /** Serial output so far. `offset` counts bytes ever written; ask again from `next`. */
  log(
    op: Op,
    id: string,
    options: { offset?: number; maxBytes: number; tailLines?: number },
  ): Promise<ConsoleLog>
  /** PNG of the screen. */
  screenshot(op: Op, id: string): Promise<Buffer>
}

export interface BackupFacet {
  /**
   * A copy of a disk of a guest that runs or is paused, as the disk is when the call begins; the guest
   * goes on. It holds what the overlay holds and names the same base. It lies on the host, root's alone, until
   * dropCopy. Conflict when the guest does not run: then its file can be copied as it is.
   */
  copyDisk(op: Op, id: string, diskId: string): Promise<DiskCopy>
  /** Gone is success. */
  dropCopy(op: Op, id: string, diskId: string): Promise<void>
}
/** A qcow2; `at`: the moment that it shows. */
export type DiskCopy = { path: string; sizeBytes: number; at: string }

export type ConsoleProtocol = 'vnc' | 'serial'
export type ConsoleLog = { text: string; offset: number; next: number }

export type HypervisorCapabilities = {
  pause: boolean
  screenshot: boolean
  /** Upper bounds of one guest on this driver. */
  maxVcpus: number
  maxMemoryMib: number
}

export type HostFacts = {
  hypervisor: string // "QEMU"
  version: string // "7.2.22"
  accelerator: 'kvm' | 'tcg' | 'fake'
  /** Why KVM is not used, when it is not: shown on the host's page. */
  acceleratorReason: string | null
  vcpus: number
  memoryMib: number
  diskGib: number
  cpuModel: string
  /** Of the machine, now. */
  uptimeSeconds: number
  /** Of the last 1, 5 and 15 minutes. */
  load: number[]
}

export type PowerState = 'running' | 'paused' | 'off' | 'crashed'

export type InstanceSpec = {
  id: string
  projectId: string
  name: string
  vcpus: number
  memoryMib: number
  power: 'running' | 'off'
  disks: readonly DiskAttachment[]
  nics: readonly NicAttachment[]
  /** The guest's own data also on a CD-ROM, made at its first start. */
  configDrive?: boolean
  guest: GuestData
}

/** `path` and `format` as storage's ensureDisk returned them: never probed, never a tenant's word. */
export type DiskAttachment = { id: string; path: string; format: 'raw' | 'qcow2'; boot: boolean }
/** `tap` as network's ensurePort returned it. */
export type NicAttachment = { portId: string; mac: string; tap: string; mtu: number }

/** What the metadata service of the agent tells the guest about itself. */
export type GuestData = {
  hostname: string
  zone: string
  launchIndex: number
  metadata: Readonly<Record<string, string>>
  publicKeys: readonly { name: string; key: string }[]
  /** base64; null when none. */
  userData: string | null
  securityGroups: readonly string[]
  flavorName: string
  imageId: string | null
  /** For the config drive alone: the metadata service never tells it. */
  adminPass?: string | null
}

export type ObservedInstance = {
  id: string
  power: PowerState
  pid: number | null
  /** ISO time of the running process's start. */
  startedAt: string | null
  /** For 'crashed': last lines of the hypervisor's own log. */
  reason: string | null
}

export type GuestDiagnostics = {
  /** Time that each virtual processor has run, in nanoseconds. */
  cpus: { id: number; timeNs: number }[]
  disks: {
    readBytes: number
    readRequests: number
    writeBytes: number
    writeRequests: number
    errors: number
  }[]
  uptimeSeconds: number
}

export type HypervisorEvent = { instanceId: string; power: PowerState; reason: string | null; at: string }
