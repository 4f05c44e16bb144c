import type { Duplex } from 'node:stream'
import type { z } from 'zod'
import type { Described } from '../frozen.ts'
import type { Op } from '../op.ts'
import type * as observed from './observed.ts'
import type * as spec from './spec.ts'

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
  log(op: Op, id: string, options: LogOptions): Promise<ConsoleLog>
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
export type ConsoleProtocol = 'vnc' | 'serial'

/** What runs on a host; spec.ts says of what each consists. */
export type InstanceSpec = Described<typeof spec.instanceSpec>
export type DiskAttachment = Described<typeof spec.diskAttachment>
export type NicAttachment = Described<typeof spec.nicAttachment>
export type LogOptions = Described<typeof spec.logOptions>

/** What a host says of it; observed.ts says of what each consists. */
export type HypervisorCapabilities = z.output<typeof observed.hypervisorCapabilities>
export type HostFacts = z.output<typeof observed.hostFacts>
export type GuestIsolation = z.output<typeof observed.guestIsolation>
export type PowerState = z.output<typeof observed.powerState>
export type ObservedInstance = z.output<typeof observed.observedInstance>
export type HypervisorEvent = z.output<typeof observed.hypervisorEvent>
export type GuestDiagnostics = z.output<typeof observed.guestDiagnostics>
export type ConsoleLog = z.output<typeof observed.consoleLog>
export type DiskCopy = z.output<typeof observed.diskCopy>
