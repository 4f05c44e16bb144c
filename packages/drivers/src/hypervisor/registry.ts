import { createFakeHypervisor, type FakeHypervisorOptions } from './fake.ts'
import type { LocalHypervisorDriver } from './interface.ts'
import { createQemuDriver, type QemuOptions } from './qemu.ts'

export type HypervisorOptions = { qemu: QemuOptions; fake: FakeHypervisorOptions }
export type HypervisorName = keyof HypervisorOptions

/** Name of a hypervisor driver → the function that makes the driver. */
export const hypervisors: {
  [N in HypervisorName]: (options: HypervisorOptions[N]) => LocalHypervisorDriver
} = { qemu: createQemuDriver, fake: createFakeHypervisor }
