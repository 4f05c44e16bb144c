import { DriverError } from '../errors.ts'
import { copyAcross } from './across.ts'
import type { LocalVolumeDriver, PoolSpec } from './interface.ts'

type Drivers = { [N in PoolSpec['driver']]: LocalVolumeDriver }

/** All volumes of a host: each call goes to the driver that its pool names. */
export function volumesByPool(drivers: Drivers): LocalVolumeDriver {
  const of = ({ driver }: PoolSpec): LocalVolumeDriver => {
    // A newer control plane may name a driver that this host does not have.
    if (!Object.hasOwn(drivers, driver))
      throw new DriverError('unsupported', `This host has no volumes of the kind ${driver}.`)
    return drivers[driver]
  }
  return {
    probePool: async (op, pool) => of(pool).probePool(op, pool),
    makePool: async (op, pool) => of(pool).makePool(op, pool),
    removePool: async (op, pool) => of(pool).removePool(op, pool),
    async copyVolume(op, spec) {
      return spec.from.driver === spec.to.driver
        ? of(spec.from).copyVolume(op, spec)
        : copyAcross(op, { from: of(spec.from), to: of(spec.to) }, spec)
    },
    async moveInUse(op, spec) {
      if (spec.from.driver !== spec.to.driver)
        throw new DriverError('unsupported', 'A host moves volumes between pools of one kind alone.')
      return of(spec.from).moveInUse(op, spec)
    },
    // Between pools of two kinds nothing moves in use.
    endMove: async (op, spec) => spec.from.driver === spec.to.driver && of(spec.from).endMove(op, spec),
    async settleMoves(op, volumes, running) {
      for (const driver of Object.values(drivers)) await driver.settleMoves(op, volumes, running)
    },
    disown: async (op, spec) => of(spec.pool).disown(op, spec),
    ensureVolume: async (op, spec) => of(spec.pool).ensureVolume(op, spec),
    removeVolume: async (op, key) => of(key.pool).removeVolume(op, key),
    growVolume: async (op, size) => of(size.pool).growVolume(op, size),
    listVolumes: async (op, pool) => of(pool).listVolumes(op, pool),
    ensureSnapshot: async (op, spec) => of(spec.pool).ensureSnapshot(op, spec),
    removeSnapshot: async (op, key) => of(key.pool).removeSnapshot(op, key),
    revertVolume: async (op, spec) => of(spec.pool).revertVolume(op, spec),
    listSnapshots: async (op, pool) => of(pool).listSnapshots(op, pool),
    mergeLayers: async (op, key) => of(key.pool).mergeLayers(op, key),
    ensureSnapshots: async (op, spec) => of(spec.pool).ensureSnapshots(op, spec),
    reimageVolume: async (op, spec) => of(spec.pool).reimageVolume(op, spec),
    exportVolume: async (op, spec) => of(spec.pool).exportVolume(op, spec),
    removeExport: async (op, key) => of(key.pool).removeExport(op, key),
    openFrozen: async (op, backup) => of(backup.pool).openFrozen(op, backup),
    dropFrozen: async (op, backup, isBackedUp) => of(backup.pool).dropFrozen(op, backup, isBackedUp),
    refillVolume: async (op, key, ...content) => of(key.pool).refillVolume(op, key, ...content),
    // Only the driver of files encrypts.
    giveKeys: (op, spec) => drivers.files.giveKeys(op, spec),
    keepKeys: (op, spec) => drivers.files.keepKeys(op, spec),
    readUnused: async (op, key, work) => of(key.pool).readUnused(op, key, work),
    receiveCopy: async (op, copy, fill) => of(copy.pool).receiveCopy(op, copy, fill),
    openVolume: async (op, key, guest) => of(key.pool).openVolume(op, key, guest),
    async closeVolumes(op, guestId, except) {
      // One driver that fails does not keep the others from closing theirs.
      const ends = await Promise.allSettled(
        Object.values(drivers).map((driver) => driver.closeVolumes(op, guestId, except)),
      )
      for (const end of ends) if (end.status === 'rejected') throw end.reason
    },
  }
}
