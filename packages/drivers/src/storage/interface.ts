import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Described } from '../frozen.ts'
import type { Op } from '../op.ts'
import type * as observed from './observed.ts'
import type * as spec from './spec.ts'

/** Disks of instances on one host. Keys are our UUIDs; a path only ever contains generated ids. */
export interface StorageDriver {
  readonly capabilities: StorageCapabilities
  probe(op: Op): Promise<DiskSpace>
  /**
   * A root disk: an overlay on (or a full copy of) the base that was made of a verified image.
   * Replay with the same spec returns the same disk with its data untouched. Null: it is being made
   * (a full copy takes its time); ask again.
   */
  ensureDisk(op: Op, spec: DiskSpec): Promise<ObservedDisk | null>
  /** Gone is success. */
  removeDisk(op: Op, id: string): Promise<void>
  listDisks(op: Op): Promise<ObservedDisk[]>
  /**
   * Turns uploaded bytes (already inspected, named by their SHA-256 in the image store) into the
   * base that disks are made from. Runs the converter in a jail (no network, no privileges, rlimits).
   * Null: it is being made; ask again.
   */
  ensureBase(op: Op, spec: BaseSpec): Promise<{ virtualBytes: number } | null>
  /** Conflict while a disk of this host, one in the trash included, is an overlay on it. Gone is success. */
  removeBase(op: Op, blobId: string): Promise<void>
  listBases(op: Op): Promise<string[]>
  readonly trash?: TrashFacet
}

/** What only the agent beside it needs: never spoken over the wire. */
export interface LocalStorageDriver extends StorageDriver {
  /** One disk, without a look at all the others. Null: it is not there. */
  findDisk(op: Op, disk: { id: string; instanceId: string }): Promise<ObservedDisk | null>
}

/** Where disks that nobody knew wait before they are gone for good. */
export interface TrashFacet {
  /** Out of its place into the trash, as it is. In the trash or gone already is success. */
  put(op: Op, diskId: string): Promise<void>
  list(op: Op): Promise<TrashedDisk[]>
  /**
   * Back to its place; returns what is told of its guest. Conflict when something is there; not_found when
   * it is not in the trash.
   */
  takeBack(op: Op, diskId: string): Promise<KeptGuest | null>
  /**
   * Keeps what is told of a guest that is removed beside its disks, for as long as one of them is there:
   * without it nobody could make the guest again. Again replaces it.
   */
  keepGuest(op: Op, guest: KeptGuest): Promise<void>
  /** It is there again. Gone is success. */
  dropGuest(op: Op, instanceId: string): Promise<void>
  /** Removes for good what was put there longer ago than that; returns what went. */
  empty(op: Op, options: EmptyOptions): Promise<string[]>
}
/** Image bytes as they were uploaded: content-addressed, written once. Used by the API directly. */
export interface ImageStore {
  /**
   * Streams into a private staging file, hashing as it goes. Raises `no_space` when more than
   * maxBytes come. Nothing is left behind on failure. `onBytes` gets the count so far, for progress.
   */
  stage(
    id: string,
    source: Readable,
    options: { maxBytes: number; onBytes?: (total: number) => void; signal?: AbortSignal },
  ): Promise<StagedImage>
  /** First bytes of a staged file, for the header parser. */
  readStaged(id: string, offset: number, length: number): Promise<Buffer>
  /** Makes the staged file the blob of that SHA-256 (or drops it when the blob exists already). */
  commit(id: string, sha256: string): Promise<void>
  discard(id: string): Promise<void>
  open(blobId: string, range?: { start: number; end: number }): Promise<Readable>
  remove(blobId: string): Promise<void>
  /** For blobs that nobody knew; same meanings as TrashFacet. */
  readonly trash: {
    put(blobId: string): Promise<void>
    list(): Promise<TrashedFile[]>
    takeBack(blobId: string): Promise<void>
    empty(options: EmptyOptions): Promise<string[]>
  }
  list(): Promise<{ blobs: { id: string; sizeBytes: number }[]; staged: { id: string; ageMs: number }[] }>
}
export type StagedImage = { sizeBytes: number; md5: string; sha256: string; sha512: string }

/** What a host is to have; spec.ts says of what each consists. */
export type DiskSpec = Described<typeof spec.diskSpec>
export type BaseSpec = Described<typeof spec.baseSpec>
export type KeptGuest = Described<typeof spec.keptGuest>
export type EmptyOptions = Described<typeof spec.emptyOptions>

/** What a host says of it; observed.ts says of what each consists. */
export type StorageCapabilities = Described<typeof observed.storageCapabilities>
export type DiskSpace = z.output<typeof observed.diskSpace>
export type ObservedDisk = z.output<typeof observed.observedDisk>
export type TrashedFile = z.output<typeof observed.trashedFile>
export type TrashedDisk = z.output<typeof observed.trashedDisk>
