import { createFakeVolumes, type FakeVolumeOptions } from './fake.ts'
import { createVolumeFiles, type VolumeFilesOptions } from './files.ts'
import type { LocalVolumeDriver } from './interface.ts'
import { createIscsiVolumes, type IscsiVolumeOptions } from './iscsi.ts'
import { createRbdVolumes, type RbdVolumeOptions } from './rbd.ts'

export type VolumeOptions = {
  files: VolumeFilesOptions
  rbd: RbdVolumeOptions
  iscsi: IscsiVolumeOptions
  fake: FakeVolumeOptions
}

/** Name of a volume driver → the function that makes the driver. */
export const volumeDrivers: { [N in keyof VolumeOptions]: (options: VolumeOptions[N]) => LocalVolumeDriver } =
  {
    files: createVolumeFiles,
    rbd: createRbdVolumes,
    iscsi: createIscsiVolumes,
    fake: createFakeVolumes,
  }
