import type { Duplex } from 'node:stream'
import type { z } from 'zod'
import type { Described } from '../frozen.ts'
import type { Op } from '../op.ts'
import type { RunningGuest } from '../volumes/interface.ts'
import type * as observed from './observed.ts'
import type * as spec from './spec.ts'

/** The guests of one host. Keys are our instance UUIDs; `ensure` and `remove` are idempotent. */
export interface HypervisorDriver {
  readonly capabilities: HypervisorCapabilities
  /** The facts of this machine. Slow the first time (it boots a boot sector), then cached. */
  probe(op: Op): Promise<HostFacts>
  /** Every guest this driver knows on this host, running or not. */
  list(op: Op): Promise<ObservedInstance[]>
  /** The guest with that id; null when the host has none. */
  get(op: Op, id: string): Promise<ObservedInstance | null>
  /**
   * The spec that ensure() got last, so that a guest that no row knows can be adopted; without the
   * guest's first password. Null when this host has no such guest.
   */
  describe(op: Op, id: string): Promise<InstanceSpec | null>
  /**
   * Makes the guest exist as described and, when `spec.power` is 'running', run. Replaying it
   * with the same spec changes nothing; a changed spec is used at the next start.
   * On failure nothing new is left behind.
   */
  ensure(op: Op, spec: InstanceSpec): Promise<ObservedInstance>
  /** Kills the guest and removes its records; its disks belong to the storage driver. Succeeds when the guest is gone. */
  remove(op: Op, id: string): Promise<void>
  start(op: Op, id: string): Promise<ObservedInstance>
  /**
   * Presses the ACPI power button and returns at once; listeners (`subscribe`) hear when the guest has
   * powered off. A guest that is still booting ignores the button, so a caller that waits presses again.
   * Raises `conflict` when the guest does not run.
   */
  pressButton(op: Op, id: string): Promise<ObservedInstance>
  /** Powers the guest off at once, without asking it. Succeeds when the guest is off. */
  stop(op: Op, id: string): Promise<ObservedInstance>
  /** Restarts the guest at once in a new process, without asking it. */
  reboot(op: Op, id: string): Promise<ObservedInstance>
  /**
   * Gives the guest these NICs and volumes and no others, at once when it runs and otherwise at its next start: new
   * ones are plugged in, and the guest is asked to release the others. Returns the port ids of NICs and the ids
   * of volumes that the guest still holds; a caller that waits asks again.
   */
  plug(op: Op, id: string, devices: Devices): Promise<string[]>
  pause(op: Op, id: string): Promise<ObservedInstance>
  unpause(op: Op, id: string): Promise<ObservedInstance>
  /** Counters of a running guest since its start. Raises `conflict` when the guest does not run. */
  diagnostics(op: Op, id: string): Promise<GuestDiagnostics>
  /** The encrypted password that the guest has posted to the metadata service; "" when none. */
  password(op: Op, id: string): Promise<string>
  /** Removes that password, so that the guest may post another. */
  clearPassword(op: Op, id: string): Promise<void>
  /** Calls `listener` at each power change, also when the guest itself causes it. Returns the function that unsubscribes. */
  subscribe(listener: (event: HypervisorEvent) => void): () => void
  readonly console?: ConsoleFacet
  readonly backup?: BackupFacet
}

/** The additional methods that only the agent on the same host calls; the agent protocol does not have them. */
export interface LocalHypervisorDriver extends HypervisorDriver {
  /** The whole spec that ensure() got last, from disk; null when this host has no such guest. */
  specOf(id: string): Promise<InstanceSpec | null>
  /**
   * Runs `work` while nothing else changes the guest. `running` is null when the guest does not run or is unknown, so
   * that nobody has the files of its volumes open.
   */
  withGuest<T>(op: Op, id: string, work: (running: RunningGuest | null) => Promise<T>): Promise<T>
}

export interface ConsoleFacet {
  /** A byte stream to the guest's VNC server or serial port. Raises `conflict` when the guest does not run. */
  open(op: Op, id: string, protocol: ConsoleProtocol): Promise<Duplex>
  /** Serial output so far. `offset` counts bytes ever written; the next call continues at `next`. */
  log(op: Op, id: string, options: LogOptions): Promise<ConsoleLog>
  /** The guest's screen as a PNG. */
  screenshot(op: Op, id: string): Promise<Buffer>
}

export interface BackupFacet {
  /**
   * Copies a disk of a guest that runs or is paused, as the disk is when the call begins, without stopping
   * the guest. The copy holds what the overlay holds and names the same base. It stays on the host, readable for root
   * alone, until dropCopy. Raises `conflict` when the guest does not run: then its file can be copied directly.
   */
  copyDisk(op: Op, id: string, diskId: string): Promise<DiskCopy>
  /** Removes the copy. Succeeds when the copy is gone. */
  dropCopy(op: Op, id: string, diskId: string): Promise<void>
}
export type ConsoleProtocol = 'vnc' | 'serial'

/** What a caller asks of a host; the schemas are in spec.ts. */
export type InstanceSpec = Described<typeof spec.instanceSpec>
export type DiskAttachment = Described<typeof spec.diskAttachment>
export type NicAttachment = Described<typeof spec.nicAttachment>
/** Optional fields that may be written, as those who make a document do. */
export type VolumeLimits = z.output<typeof spec.volumeLimits>
export type VolumeAttachment = Described<typeof spec.volumeAttachment>
export type Devices = { nics: readonly NicAttachment[]; volumes: readonly VolumeAttachment[] }
export type LogOptions = Described<typeof spec.logOptions>

/** What a host says of itself and its guests; the schemas are in observed.ts. */
export type HypervisorCapabilities = z.output<typeof observed.hypervisorCapabilities>
export type HostFacts = z.output<typeof observed.hostFacts>
export type GuestIsolation = z.output<typeof observed.guestIsolation>
export type PowerState = z.output<typeof observed.powerState>
export type ObservedInstance = z.output<typeof observed.observedInstance>
export type HypervisorEvent = z.output<typeof observed.hypervisorEvent>
export type GuestDiagnostics = z.output<typeof observed.guestDiagnostics>
export type ConsoleLog = z.output<typeof observed.consoleLog>
export type DiskCopy = z.output<typeof observed.diskCopy>
