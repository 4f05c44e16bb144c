import type { StoreSpace } from './interface.ts'

/**
 * Where backups lie: named pieces of bytes. Names have parts with slashes between them, and a store needs nothing but these
 * calls, so that a folder and an object storage can both be one.
 */
export interface BackupStore {
  space(): Promise<StoreSpace>
  /** Writes a piece, whole or not at all; it is durable after `settle`. Raises `no_space` when the store is full. */
  write(name: string, bytes: Uint8Array): Promise<void>
  /**
   * Begins to write a piece below `work`, and waits only while many others are being written. The piece is there after
   * `settle(work)`. What has failed below `work` is raised by the next call and by `settle`. Nobody may change the bytes before
   * `onOver` is called, which is once in any case, also when the call itself fails.
   */
  writeLater(work: string, name: string, parts: readonly Uint8Array[], onOver?: () => void): Promise<void>
  /** Waits for everything that is being written below the name, and makes it durable. */
  settle(name: string): Promise<void>
  /** Null: there is no such piece. The bytes may be put into `into`, if they fit there, or into memory of their own. */
  read(name: string, into?: Buffer): Promise<Buffer | null>
  /** The next parts of the names that begin with `name` and a slash; without a name, the first parts of all names. */
  list(name?: string): Promise<string[]>
  /** Removes a piece, and all pieces whose names begin with `name` and a slash. Nothing of their names is left. */
  remove(name: string): Promise<void>
}
