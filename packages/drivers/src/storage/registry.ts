import { createFakeStorage, type FakeStorageOptions } from './fake.ts'
import { createFilesDriver, type FilesOptions } from './files.ts'
import { inBackground } from './in-background.ts'
import type { LocalStorageDriver } from './interface.ts'

export type StorageOptions = { files: FilesOptions; fake: FakeStorageOptions }

/** Name of a storage driver → the function that makes the driver. */
export const storages: { [N in keyof StorageOptions]: (options: StorageOptions[N]) => LocalStorageDriver } = {
  files: (options) => inBackground(createFilesDriver(options)),
  fake: createFakeStorage,
}
