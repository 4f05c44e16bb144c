import { type BackgroundOptions, createBackgroundJobs } from '../background.ts'
import type { LocalStorageDriver } from './interface.ts'

/**
 * Makes a storage driver whose long work goes on while nobody waits; removing the thing ends the work. A root disk has the
 * id of its instance, and with its removal the making of the instance's other disks ends.
 */
export function inBackground(
  driver: LocalStorageDriver,
  options: BackgroundOptions = {},
): LocalStorageDriver {
  const { ask, end, endAll } = createBackgroundJobs(options)
  return {
    ...driver,
    ensureBase: (op, spec) => ask(op, `base ${spec.blobId}`, (own) => driver.ensureBase(own, spec)),
    ensureDisk: (op, spec) => ask(op, keyOf(spec), (own) => driver.ensureDisk(own, spec)),
    ensureLocalDisk: (op, spec) => ask(op, keyOf(spec), (own) => driver.ensureLocalDisk(own, spec)),
    async removeBase(op, blobId) {
      await end(`base ${blobId}`)
      await driver.removeBase(op, blobId)
    },
    async removeDisk(op, id) {
      await endAll((key) => key.startsWith(keyOf({ id: '', instanceId: id })) || key.endsWith(`/${id}`))
      await driver.removeDisk(op, id)
    },
  }
}

const keyOf = ({ id, instanceId }: { id: string; instanceId: string }) => `disk ${instanceId}/${id}`
