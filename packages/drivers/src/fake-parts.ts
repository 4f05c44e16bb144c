import { createFakeBackups, type FakeBackups } from './backups/fake.ts'
import { createFakeHypervisor, type FakeHypervisor, type FakeHypervisorOptions } from './hypervisor/fake.ts'
import { createFakeNetwork, type FakeNetwork, type FakeNetworkOptions } from './network/fake.ts'
import { createFakeStorage, type FakeStorage, type FakeStorageOptions } from './storage/fake.ts'
import { createFakeVolumes, type FakeVolumeOptions, type FakeVolumes } from './volumes/fake.ts'

export type FakeParts = {
  hypervisor: FakeHypervisor
  network: FakeNetwork
  storage: FakeStorage
  volumes: FakeVolumes
  backups: FakeBackups
}
type Options = {
  hypervisor?: FakeHypervisorOptions
  network?: FakeNetworkOptions
  storage?: FakeStorageOptions
  volumes?: FakeVolumeOptions
}

/** The drivers of one simulated host, which know each other as those of a real host do. */
export function createFakeParts(options: Options = {}): FakeParts {
  const volumes = createFakeVolumes(options.volumes)
  return {
    hypervisor: createFakeHypervisor({ volumes, ...options.hypervisor }),
    network: createFakeNetwork(options.network),
    storage: createFakeStorage(options.storage),
    volumes,
    backups: createFakeBackups(volumes),
  }
}
