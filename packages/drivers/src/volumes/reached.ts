import type { LocalVolumeDriver, PoolSpec } from './interface.ts'

/** The calls that do not look at one pool before: those of two pools and those of a guest look by themselves. */
type OfTwoPools = 'copyVolume' | 'moveInUse' | 'endMove'
type Others =
  | 'makePool'
  | 'removePool'
  | OfTwoPools
  | 'giveKeys'
  | 'keepKeys'
  | 'settleMoves'
  | 'closeVolumes'

/**
 * The driver whose calls raise before they do anything when this host does not reach the pool. Otherwise a volume on a
 * file system that is not mounted would count as removed.
 */
export function reachedFirst(
  driver: LocalVolumeDriver,
  reach: (pool: PoolSpec) => Promise<unknown>,
): LocalVolumeDriver {
  /** The same call, after a look at the pool that its second argument names. */
  const first =
    <A extends [unknown, { pool: PoolSpec }, ...unknown[]], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await reach(args[1].pool)
      return call(...args)
    }
  const ofPool =
    <A extends [unknown, PoolSpec], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await reach(args[1])
      return call(...args)
    }
  // The type names every call, so that none can be forgotten.
  const calls: Omit<LocalVolumeDriver, Others> = {
    probePool: ofPool(driver.probePool),
    listVolumes: ofPool(driver.listVolumes),
    listSnapshots: ofPool(driver.listSnapshots),
    ensureVolume: first(driver.ensureVolume),
    disown: first(driver.disown),
    removeVolume: first(driver.removeVolume),
    growVolume: first(driver.growVolume),
    ensureSnapshot: first(driver.ensureSnapshot),
    ensureSnapshots: first(driver.ensureSnapshots),
    removeSnapshot: first(driver.removeSnapshot),
    revertVolume: first(driver.revertVolume),
    mergeLayers: first(driver.mergeLayers),
    openVolume: first(driver.openVolume),
    openFrozen: first(driver.openFrozen),
    dropFrozen: first(driver.dropFrozen),
    refillVolume: first(driver.refillVolume),
    readUnused: first(driver.readUnused),
    receiveCopy: first(driver.receiveCopy),
    reimageVolume: first(driver.reimageVolume),
    exportVolume: first(driver.exportVolume),
    removeExport: first(driver.removeExport),
  }
  return { ...driver, ...calls }
}
