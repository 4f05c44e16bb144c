import { createFakeVolumes, type FakeVolumeOptions } from './fake.ts'
import { createVolumeFiles, type VolumeFilesOptions } from './files.ts'
import type { LocalVolumeDriver } from './interface.ts'

export type VolumeOptions = { files: VolumeFilesOptions; fake: FakeVolumeOptions }

/** Name of a volume driver → the function that makes the driver. */
export const volumeDrivers: { [N in keyof VolumeOptions]: (options: VolumeOptions[N]) => LocalVolumeDriver } =
  {
    files: createVolumeFiles,
    fake: createFakeVolumes,
  }
