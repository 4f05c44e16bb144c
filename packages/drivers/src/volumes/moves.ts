import type { Op } from '../op.ts'
import type { Claims } from './claims.ts'
import type { LocalVolumeDriver, PoolSpec, RunningGuest, VolumeKey } from './interface.ts'
import type { Folders } from './pool-folders.ts'
import type { Held } from './snapshots.ts'

/** What moves of volumes in use (moving.ts) need of the driver of files. */
export type MovingParts = {
  /** The folder hosts/<host>. */
  dir: string
  claims: Claims
  folders(pool: PoolSpec): Folders
  reach(pool: PoolSpec): Promise<Folders>
  /** Runs `work` while no other call of this host changes the volume. */
  inTurn<T>(id: string, work: () => Promise<T>): Promise<T>
  /** Changes a volume while neither the guest that has it nor anybody else changes it. */
  held<T>(op: Op, key: VolumeKey, work: (volume: Held) => Promise<T>): Promise<T>
}

/** What the driver of files needs of them. */
export type Moves = {
  /** The calls of the driver. */
  calls: Pick<LocalVolumeDriver, 'moveInUse' | 'endMove' | 'settleMoves'>
  /**
   * Brings the last moment of a move that was cut off to its end before anything else happens to the volume, whose guest runs. Nobody
   * changes the volume meanwhile. Raises when nobody can tell where the volume is: then the guest's disk holds still.
   */
  conclude(op: Op, key: VolumeKey, running: RunningGuest): Promise<void>
  /** Where a volume is that may have been moved while the spec of its guest named another pool. Nobody changes the volume meanwhile. */
  placeOf<K extends VolumeKey>(key: K): Promise<K>
  /** The volumes of a pool that a guest which has these volumes keeps there, also those that move into it. */
  keptIn(pool: PoolSpec, volumes: readonly VolumeKey[], candidates: Iterable<string>): Promise<Set<string>>
  /** Ends a move into the pool before its copy is removed. Raises `unavailable` while the volume is here, and the old pool still says so. */
  endComing(op: Op, key: VolumeKey): Promise<void>
  /** The folder of a volume, or of the copy that a move makes. */
  folderOf(key: VolumeKey): Promise<string>
  /**
   * Makes a volume that a guest gets in its pool forget from which pool it came, and by which move: whoever asks for it here knows
   * where it is, and from now on it is more than a copy. Nobody changes the volume meanwhile.
   */
  arrive(key: VolumeKey): Promise<void>
  /** Does so before the old data of the volume go. */
  forgetOrigin(op: Op, key: VolumeKey): Promise<void>
}
