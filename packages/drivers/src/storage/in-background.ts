import { type BackgroundOptions, createBackgroundJobs } from '../background.ts'
import type { LocalStorageDriver } from './interface.ts'

/** Makes a storage driver whose long work goes on while nobody waits; removing the thing ends the work. */
export function inBackground(
  driver: LocalStorageDriver,
  options: BackgroundOptions = {},
): LocalStorageDriver {
  const { ask, end } = createBackgroundJobs(options)
  return {
    ...driver,
    ensureBase: (op, spec) => ask(op, `base ${spec.blobId}`, (own) => driver.ensureBase(own, spec)),
    ensureDisk: (op, spec) => ask(op, `disk ${spec.id}`, (own) => driver.ensureDisk(own, spec)),
    ensureLocalDisk: (op, spec) => ask(op, `disk ${spec.id}`, (own) => driver.ensureLocalDisk(own, spec)),
    async removeBase(op, blobId) {
      await end(`base ${blobId}`)
      await driver.removeBase(op, blobId)
    },
    async removeDisk(op, id) {
      await end(`disk ${id}`)
      await driver.removeDisk(op, id)
    },
  }
}
