import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { backgroundOp } from '../op.ts'
import type { HypervisorEvent, InstanceSpec, LocalHypervisorDriver } from './interface.ts'

/** One machine with a driver on it, and the means to interfere with the machine from outside. */
export type HypervisorHarness = {
  driver: LocalHypervisorDriver
  /** Makes what the spec of a new guest refers to (disks). The guest prints "hello" and echoes what is typed. */
  prepare(id: string): Promise<Pick<InstanceSpec, 'disks' | 'nics'>>
  /** Makes the next start of a guest of that spec fail. */
  spoil(spec: InstanceSpec): Promise<void>
  /** Waits until the guest's own code runs. */
  booted(id: string): Promise<void>
  /** Makes the guest's process die. */
  crash(id: string): Promise<void>
  /** Makes the guest power itself off. */
  powerOff(id: string): Promise<void>
  ignoreButton(id: string): Promise<void>
  /** Ends the agent as a crash would, without any clean-up. Afterwards `driver` may not be used. */
  abandon(): Promise<void>
  /** Starts a new agent on the same machine. */
  reopen(): Promise<LocalHypervisorDriver>
  /** Lists what is left of a guest: files, processes. */
  leftovers(id: string): Promise<string[]>
  /** Removes all guests and all that the harness made. */
  destroy(): Promise<void>
}

/** The part of the harness that the tests of the suite use. */
export type Context = {
  readonly harness: HypervisorHarness
  readonly driver: LocalHypervisorDriver
  readonly events: HypervisorEvent[]
  spec(changes?: Partial<InstanceSpec>): Promise<InstanceSpec>
}

export const op = backgroundOp(pino({ level: 'silent' }), 'conformance', 600_000)

/** Waits for a condition; the test fails when it does not come true in time. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${condition}`)
    await sleep(10)
  }
}

/** A spec without disks and interfaces. */
export const plainSpec = (id: string): InstanceSpec => ({
  id,
  projectId: randomUUID(),
  name: 'conformance',
  vcpus: 1,
  memoryMib: 32,
  power: 'running',
  disks: [],
  nics: [],
  volumes: [],
  guest: {
    hostname: 'conformance',
    zone: 'nova',
    launchIndex: 0,
    metadata: {},
    publicKeys: [],
    userData: null,
    securityGroups: [],
    flavorName: 'tiny',
    imageId: null,
  },
})
