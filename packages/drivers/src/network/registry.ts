import { createFakeNetwork, type FakeNetworkOptions } from './fake.ts'
import type { LocalNetworkDriver } from './interface.ts'
import { createLinuxNetwork, type LinuxNetworkOptions } from './linux/linux.ts'

export type NetworkOptions = { linux: LinuxNetworkOptions; fake: FakeNetworkOptions }
export type NetworkName = keyof NetworkOptions

/** Name of a network driver → the function that makes the driver. */
export const networks: {
  [N in NetworkName]: (options: NetworkOptions[N]) => LocalNetworkDriver
} = { linux: createLinuxNetwork, fake: createFakeNetwork }
