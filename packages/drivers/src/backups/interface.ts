import type { z } from 'zod'
import type { Described } from '../frozen.ts'
import type { Op } from '../op.ts'
import type * as observed from './observed.ts'
import type * as spec from './spec.ts'

/**
 * Backups of volumes in stores that one host reaches. A backup is whole by itself: it can be removed and restored whatever
 * becomes of those before and after it, although content that they have in common is stored once.
 */
export interface BackupDriver {
  /** The size of a store. Raises `unsupported` when this host does not know the store. */
  probeStore(op: Op, store: StoreSpec): Promise<StoreSpace>
  /**
   * Leaves a word in the store, in the place of the one that was left there under this name, and returns all words. Whoever reads
   * a new word that another host has left reaches the same store, and no copy of it.
   */
  proveStore(op: Op, proof: StoreProof): Promise<StoreWord[]>
  /**
   * Backs up what a volume contains at some moment of the call that succeeds, also while a guest uses the volume, or what a
   * snapshot contains. Work that goes on after an interruption counts as one call. Null: the backup is still being made; ask again within a minute, since work that nobody asks for is given up.
   * Repeating the call returns the same backup. On failure nothing but a draft is left behind, which removeBackup or a
   * later call removes. Raises `not_found` when the volume, the snapshot or the parent is gone.
   */
  ensureBackup(op: Op, spec: BackupSpec): Promise<ObservedBackup | null>
  /**
   * Removes the backup, and all content that no other backup of its volume needs. Ends the work on it when it is being made.
   * Succeeds when the backup is gone. Raises `failed` when nobody can tell what other backups need, because one is damaged.
   */
  removeBackup(op: Op, removal: BackupRemoval): Promise<void>
  /** The backup as its store has it; null when the store does not have it. Raises `failed` when its index is damaged. */
  getBackup(op: Op, key: BackupKey): Promise<ObservedBackup | null>
  /** The backups that a store has. Those that are being made are left out. */
  listBackups(op: Op, store: StoreSpec): Promise<StoredBackup[]>
  /** Keeps a record beside a backup, in the place of an earlier one. Raises `not_found` when the store does not have the backup. */
  keepRecord(op: Op, spec: RecordSpec): Promise<void>
  /** The record of a backup; null when it has none. */
  readRecord(op: Op, key: BackupKey): Promise<string | null>
  /**
   * Gives a volume what a backup contains; what the backup does not have reads as zeros, and the volume keeps its size.
   * Until everything is restored and proven by its checksums, the volume has its old content. Null: the content is still
   * being restored; ask again within a minute. Raises `conflict` while a guest has the volume, `not_found` when the volume
   * or the backup is gone, `invalid` when the backup is larger than the volume, `failed` when the backup is damaged.
   */
  restoreBackup(op: Op, spec: RestoreSpec): Promise<RestoredVolume | null>
}

/** What a caller asks of a host; the schemas are in spec.ts. */
export type StoreSpec = Described<typeof spec.storeSpec>
export type StoreProof = Described<typeof spec.storeProof>
export type StoreWord = Described<typeof spec.storeWord>
export type BackupKey = Described<typeof spec.backupKey>
export type BackupSpec = Described<typeof spec.backupSpec>
export type BackupRemoval = Described<typeof spec.backupRemoval>
export type RecordSpec = Described<typeof spec.recordSpec>
export type RestoreSpec = Described<typeof spec.restoreSpec>

/** What a host says that it has; the schemas are in observed.ts. */
export type ObservedBackup = z.output<typeof observed.observedBackup>
export type StoredBackup = z.output<typeof observed.storedBackup>
export type StoreSpace = z.output<typeof observed.storeSpace>
export type RestoredVolume = z.output<typeof observed.restoredVolume>
