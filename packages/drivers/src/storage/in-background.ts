import { type BackgroundOptions, createBackground } from '../background.ts'
import type { LocalStorageDriver } from './interface.ts'

/**
 * Makes a storage driver whose long work (converting an image, copying a disk) goes on while nobody waits: the
 * call returns null until the work is done, and the caller asks again. Two calls for the same thing share one
 * piece of work; removing the thing ends the work.
 */
export function inBackground(
  driver: LocalStorageDriver,
  options: BackgroundOptions = {},
): LocalStorageDriver {
  const { ask, end } = createBackground(options)
  return {
    ...driver,
    ensureBase: (op, spec) => ask(op, `base ${spec.blobId}`, (own) => driver.ensureBase(own, spec)),
    ensureDisk: (op, spec) => ask(op, `disk ${spec.id}`, (own) => driver.ensureDisk(own, spec)),
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
