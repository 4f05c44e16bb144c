import { createFakeVolumes, type FakeVolumeOptions } from './fake.ts'
import { createVolumeFiles, type VolumeFilesOptions } from './files.ts'
import type { LocalVolumeDriver } from './interface.ts'
import { createRbdVolumes, type RbdVolumeOptions } from './rbd.ts'

export type VolumeOptions = { files: VolumeFilesOptions; rbd: RbdVolumeOptions; fake: FakeVolumeOptions }

/** Name of a volume driver → the function that makes the driver. */
export const volumeDrivers: { [N in keyof VolumeOptions]: (options: VolumeOptions[N]) => LocalVolumeDriver } =
  {
    files: createVolumeFiles,
    rbd: createRbdVolumes,
    fake: createFakeVolumes,
  }
