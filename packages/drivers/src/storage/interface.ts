import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { localDiskKind } from '../fields.ts'
import type { Described } from '../frozen.ts'
import type { Op } from '../op.ts'
import type * as observed from './observed.ts'
import type * as spec from './spec.ts'

/** The disks of instances on one host. Keys are our UUIDs; a path only ever contains generated ids. */
export interface StorageDriver {
  readonly capabilities: StorageCapabilities
  probe(op: Op): Promise<DiskSpace>
  /**
   * Makes a root disk: an overlay on (or a full copy of) the base that was made of a verified image.
   * Repeating the call with the same spec returns the same disk with its data untouched. Null: the disk is still
   * being made (a full copy takes a while); ask again.
   */
  ensureDisk(op: Op, spec: DiskSpec): Promise<ObservedDisk | null>
  /** Removes the disk. Succeeds when the disk is gone. */
  removeDisk(op: Op, id: string): Promise<void>
  listDisks(op: Op): Promise<ObservedDisk[]>
  /**
   * Turns uploaded bytes (already inspected, named by their SHA-256 in the image store) into the
   * base that disks are made from. Runs the converter in a jail (no network, no privileges, rlimits).
   * Null: the base is still being made; ask again.
   */
  ensureBase(op: Op, spec: BaseSpec): Promise<{ virtualBytes: number } | null>
  /** Removes the base. Raises `conflict` while a disk, also one in the trash, is an overlay on it. Succeeds when it is gone. */
  removeBase(op: Op, blobId: string): Promise<void>
  listBases(op: Op): Promise<string[]>
  readonly trash?: TrashFacet
}

/** The additional methods that only the agent on the same host calls; the agent protocol does not have them. */
export interface LocalStorageDriver extends StorageDriver {
  /**
   * Makes an ephemeral or swap disk of a guest, which is a disk like its root disk for all other calls. Repeating the
   * call returns the same disk with its data untouched. Null: the disk is still being made; ask again.
   */
  ensureLocalDisk(op: Op, spec: LocalDiskSpec): Promise<ObservedDisk | null>
  /** All disks of one instance. */
  disksOf(op: Op, instanceId: string): Promise<ObservedDisk[]>
  /** Finds one disk without listing all others. Null when it does not exist. */
  findDisk(op: Op, disk: { id: string; instanceId: string }): Promise<ObservedDisk | null>
  /** The raw file that ensureBase makes of that image. */
  basePath(blobId: string): string
}

/** The trash, in which disks without a row wait for some days before they are removed for good. */
export interface TrashFacet {
  /** Moves the disk as it is into the trash. Succeeds when the disk is in the trash or gone already. */
  put(op: Op, diskId: string): Promise<void>
  list(op: Op): Promise<TrashedDisk[]>
  /**
   * Moves the disk back to its place, and with it the other disks of its guest; returns the note about the guest. Raises
   * `conflict` when a file is at its place, `not_found` when the disk is not in the trash.
   */
  takeBack(op: Op, diskId: string): Promise<KeptGuest | null>
  /**
   * Keeps a note about a removed guest beside its disks, as long as one of them is in the trash: the note holds what is
   * needed to make the guest again. Another call replaces the note.
   */
  keepGuest(op: Op, guest: KeptGuest): Promise<void>
  /** Removes the note, after the guest was made again. Succeeds when there is no note. */
  dropGuest(op: Op, instanceId: string): Promise<void>
  /** Removes for good the disks that were put there longer ago than `olderThanMs`; returns their ids. */
  empty(op: Op, options: EmptyOptions): Promise<string[]>
}
/** The bytes of images as they were uploaded: content-addressed and written once. The API uses the store directly. */
export interface ImageStore {
  /**
   * Writes a stream into a private staging file and hashes it meanwhile. Raises `no_space` when more than
   * maxBytes come. A failure leaves nothing. `onBytes` gets the number of bytes so far, for progress.
   */
  stage(
    id: string,
    source: Readable,
    options: { maxBytes: number; onBytes?: (total: number) => void; signal?: AbortSignal },
  ): Promise<StagedImage>
  /** Reads `length` bytes of a staged file at `offset`, for the header parser. */
  readStaged(id: string, offset: number, length: number): Promise<Buffer>
  /** Makes the staged file the blob of that SHA-256 (or drops it when the blob exists already). */
  commit(id: string, sha256: string): Promise<void>
  discard(id: string): Promise<void>
  open(blobId: string, range?: { start: number; end: number }): Promise<Readable>
  /** Opens the bytes that a host has made of a volume (exportVolume); raises `not_found` when there are none. */
  openExport(id: string): Promise<{ sizeBytes: number; bytes: Readable }>
  remove(blobId: string): Promise<void>
  /** The trash for blobs without a row; its methods mean the same as those of TrashFacet. */
  readonly trash: {
    put(blobId: string): Promise<void>
    list(): Promise<TrashedFile[]>
    takeBack(blobId: string): Promise<void>
    empty(options: EmptyOptions): Promise<string[]>
  }
  list(): Promise<{ blobs: { id: string; sizeBytes: number }[]; staged: { id: string; ageMs: number }[] }>
}
export type StagedImage = { sizeBytes: number; md5: string; sha256: string; sha512: string }

/** The wishes for a host; the schemas are in spec.ts. */
export type DiskSpec = Described<typeof spec.diskSpec>
export type BaseSpec = Described<typeof spec.baseSpec>
export type LocalDiskSpec = Described<typeof spec.localDiskSpec>
export type LocalDiskKind = z.output<typeof localDiskKind>
export type KeptGuest = Described<typeof spec.keptGuest>
export type EmptyOptions = Described<typeof spec.emptyOptions>

/** What a host says that it has; the schemas are in observed.ts. */
export type StorageCapabilities = Described<typeof observed.storageCapabilities>
export type DiskSpace = z.output<typeof observed.diskSpace>
export type ObservedDisk = z.output<typeof observed.observedDisk>
export type TrashedFile = z.output<typeof observed.trashedFile>
export type TrashedDisk = z.output<typeof observed.trashedDisk>
