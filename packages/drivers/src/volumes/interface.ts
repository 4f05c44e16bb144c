import type { z } from 'zod'
import type { Described } from '../frozen.ts'
import type { Op } from '../op.ts'
import type { Luks } from './manifest.ts'
import type * as observed from './observed.ts'
import type * as spec from './spec.ts'

/** The volumes of all pools that one host reaches. Keys are our UUIDs. */
export interface VolumeDriver {
  /**
   * The size of a pool. Raises `unsupported` when this host does not know the pool's driver, `unavailable` or `invalid`
   * with the reason when the host does not reach the pool.
   */
  probePool(op: Op, pool: PoolSpec): Promise<PoolSpace>
  /** Makes what a pool needs before its first volume, once for all hosts that reach it. Repeating the call is harmless. */
  makePool(op: Op, pool: PoolSpec): Promise<PoolSpace>
  /** Removes what makePool has made. Raises `conflict` while volumes or snapshots lie in the pool. */
  removePool(op: Op, pool: PoolSpec): Promise<void>
  /**
   * Makes a volume. A volume without a source reads as zeros. Repeating the call returns the same volume with its data
   * untouched. Null: the volume is still being made; ask again. On failure nothing is left behind. Raises `invalid` when
   * the source is larger than the volume or has another key, `not_found` when the source is not in the pool. A volume that is the source
   * may be in use: the new volume has what the other one contained at some moment of the call.
   */
  ensureVolume(op: Op, spec: VolumeSpec): Promise<ObservedVolume | null>
  /** Keeps the keys of volumes that guests of this host have or are to have, in memory alone. Repeating the call is harmless. */
  giveKeys(op: Op, spec: KeysSpec): Promise<void>
  /** Forgets the keys of all volumes but these, and returns those of them whose keys this host does not have. */
  keepKeys(op: Op, spec: KeptKeysSpec): Promise<string[]>
  /** Removes the volume and its data. Succeeds when the volume is gone; raises `conflict` while a guest has it. */
  removeVolume(op: Op, key: VolumeKey): Promise<void>
  /**
   * Makes a volume larger, also while a guest has it; the new part reads as zeros. Raises `invalid` for a smaller
   * size. Repeating the call is harmless.
   */
  growVolume(op: Op, size: VolumeSize): Promise<ObservedVolume>
  /**
   * Copies everything that a volume contains into another pool that this host reaches, where it then lies, too. Raises
   * `conflict` while a guest has the volume, `not_found` when the volume is gone, `unsupported` when this host cannot copy
   * between these pools. Repeating the call with the same `copyId` returns the same copy; a copy of another `copyId` is made
   * anew. On failure nothing is left in the other pool.
   */
  copyVolume(op: Op, spec: CopySpec): Promise<ObservedVolume>
  /**
   * Moves a volume into another pool while the one guest that has the volume runs on this host and goes on. The guest uses
   * the copy from a moment of the call on, also after its next start, whatever its record says then; what is in the old
   * pool counts as no volume any more, belongs to the guest as long as the guest's record names that pool, and goes by
   * removeVolume. Repeating the call with the same `copyId` goes on with the work. Raises `conflict` when no guest of this
   * host runs with the volume or several have it, `unavailable` when another call on the volume had to come first,
   * `unsupported` when this host cannot move the volume so, `not_found` when the volume is gone. Until the call has
   * succeeded, the volume is in its old pool, and endMove leaves nothing in the other one.
   */
  moveInUse(op: Op, spec: CopySpec): Promise<ObservedVolume>
  /**
   * Ends such a move, and removes what it has copied. Returns true when the move has succeeded already, so that the volume
   * is in the other pool; then nothing is changed. Repeating the call is harmless.
   */
  endMove(op: Op, spec: CopySpec): Promise<boolean>
  /**
   * Takes what a host that is off for sure has in a pool that several hosts reach from that host and its guests. Raises
   * `invalid` for the host that is asked.
   */
  disown(op: Op, spec: DisownSpec): Promise<void>
  listVolumes(op: Op, pool: PoolSpec): Promise<ObservedVolume[]>
  /**
   * Keeps what a volume contains now, also while a guest uses the volume. Repeating the call returns the same snapshot.
   * The snapshot outlives the volume. Raises `not_found` when the volume is gone, `conflict` when the volume has too many
   * snapshots behind it.
   */
  ensureSnapshot(op: Op, spec: SnapshotSpec): Promise<ObservedSnapshot>
  /**
   * Does the same for several volumes. Those that one running guest has are kept at one instant, while its file systems
   * hold still; those of different guests are kept one guest after the other. Either all snapshots are there afterwards,
   * or a further call makes all of them anew: until a call has succeeded, nobody may use any of them.
   */
  ensureSnapshots(op: Op, spec: SnapshotsSpec): Promise<ObservedSnapshot[]>
  /** Removes the snapshot. Volumes that were made from it keep their data. Succeeds when the snapshot is gone. */
  removeSnapshot(op: Op, key: SnapshotKey): Promise<void>
  /**
   * Gives the volume what a snapshot contains; the volume keeps its size. Null: that is still being copied; ask again. Raises `conflict` while a guest has the volume,
   * `not_found` when the volume or the snapshot is gone, `invalid` when the snapshot is larger than the volume.
   */
  revertVolume(op: Op, spec: RevertSpec): Promise<ObservedVolume | null>
  listSnapshots(op: Op, pool: PoolSpec): Promise<ObservedSnapshot[]>
  /**
   * Merges the layers of a volume that nothing but the volume needs any more, as after the removal of a snapshot, also
   * while a guest uses the volume. The data are the same at every moment. May take long. Raises `unavailable` when
   * another call on the volume had to come first.
   */
  mergeLayers(op: Op, key: VolumeKey): Promise<ObservedVolume>
  /**
   * Gives the volume what an image contains; the volume keeps its size. Null: the image is still being converted; ask
   * again. Raises `conflict` while a guest has the volume, `not_found` when the volume is gone, `invalid` when the image
   * is larger than the volume.
   */
  reimageVolume(op: Op, spec: ReimageSpec): Promise<ObservedVolume | null>
  /**
   * Writes what a volume contained at some moment of the first call, also while a guest uses the volume, into one file of
   * the cloud's image store (exportPath in exports.ts). Null: the file is still being written; ask again. Repeating the
   * call for the same file writes no other bytes, as long as the file is not removed. On failure nothing is left behind.
   */
  exportVolume(op: Op, spec: ExportSpec): Promise<ObservedExport | null>
  /** Removes such a file, or ends the writing. Succeeds when the file is gone. */
  removeExport(op: Op, key: ExportKey): Promise<void>
}

/** The additional methods that only the agent on the same host calls; the agent protocol does not have them. */
export interface LocalVolumeDriver extends VolumeDriver {
  /**
   * Lets the user `uid` of a guest's process use the volume, and returns how QEMU opens it. Raises `not_found` when the
   * volume is not in its pool, `conflict` while another guest has the volume, unless the volume is shared. Raises
   * `unsupported` for a shared volume in layers, and `failed` when the volume is plain although it should be encrypted.
   * Repeating the call is harmless.
   */
  openVolume(
    op: Op,
    volume: VolumeKey & { shared?: true; encrypted?: true },
    guest: { id: string; uid: number },
  ): Promise<OpenedVolume>
  /** Takes all volumes but these away from the guest, whose process has released them or has ended. */
  closeVolumes(op: Op, guestId: string, except: readonly VolumeKey[]): Promise<void>
  /**
   * Puts right what a move of a volume that was cut off at its last moment has left in a guest that runs. The guest's disk may hold still until then. When one volume cannot be put right, the others
   * are; then the call raises, and is to be repeated.
   */
  settleMoves(op: Op, volumes: readonly VolumeKey[], running: RunningGuest): Promise<void>
  /**
   * Keeps what the volume or one of its snapshots contains for the backup `id` until dropFrozen, and opens that for reading.
   * `parentId`: the earlier backup of which the caller has the content. Repeating the call opens the same content. Close what
   * is opened. Raises `not_found` when the volume or the snapshot is gone.
   */
  openFrozen(
    op: Op,
    backup: FrozenKey & { snapshotId: string | null; parentId?: string | null },
  ): Promise<FrozenVolume>
  /**
   * Gives up what was kept for a backup. `isBackedUp`: the backup is in its store, so that the volume is to tell what changes
   * from then on.
   */
  dropFrozen(op: Op, backup: FrozenKey, isBackedUp: boolean): Promise<void>
  /**
   * Gives a volume the content that `fill` writes; what `fill` leaves out reads as zeros. The volume has its old content
   * until `fill` is done. `luks`: the content is the ciphertext of a volume that was encrypted so. Raises `conflict` while a
   * guest has the volume, `invalid` when the volume has another key than the content, and `no_space` unless `neededBytes` can
   * be written.
   */
  refillVolume(
    op: Op,
    key: VolumeKey,
    luks: Luks | null,
    fill: (volume: Refill) => Promise<void>,
    neededBytes?: number,
  ): Promise<void>
  /**
   * Lets `work` read what a volume contains while neither a guest has it nor anybody changes it. Raises `conflict` while a
   * guest has the volume, `not_found` when the volume is gone.
   */
  readUnused(op: Op, key: VolumeKey, work: (content: VolumeContent) => Promise<void>): Promise<void>
  /**
   * Makes the volume of the content that `fill` writes: a copy of a volume that lies in a pool of another kind. The copy is
   * there whole or not at all. Repeating the call with the same `copyId` returns the same copy; a copy of another `copyId` is
   * made anew. Raises `conflict` while a guest has the copy.
   */
  receiveCopy(op: Op, spec: ReceivedCopy, fill: (volume: Refill) => Promise<void>): Promise<ObservedVolume>
}

/** What a volume contains; see FrozenVolume. */
export type VolumeContent = Pick<FrozenVolume, 'sizeBytes' | 'luks' | 'read'>
export type ReceivedCopy = VolumeKey & Pick<VolumeContent, 'sizeBytes' | 'luks'> & { copyId: string }

/** What is kept of a volume for the backup with that id. */
export type FrozenKey = { id: string; volumeId: string; pool: PoolSpec }

export type FrozenVolume = {
  sizeBytes: number
  /** What is read is ciphertext, which begins with a header of so many bytes; null for a plain volume. */
  luks: Luks | null
  /** The guest's file systems held still at the moment, or no guest used the volume. */
  quiesced: boolean
  /** The earlier backup since which the changes are known; null: nobody knows what has changed since any backup. */
  since: string | null
  /** The reason why nobody knows what has changed since the backup that was asked for, if that can be told. */
  unknownBecause?: string
  /** Whether a range may have changed since that backup. */
  hasChanged(at: number, length: number): Promise<boolean>
  /**
   * The bytes of a range inside of the volume; null when all of them are zeros. When `since` is the backup that was asked for,
   * only what has changed can be read, and what lies behind the size of then, in whole pieces of 4 MiB. The bytes may be put
   * into `into`, which has `length` bytes, or into memory of their own.
   */
  read(at: number, length: number, into?: Buffer): Promise<Buffer | null>
  close(): Promise<void>
}

/** A volume that gets new content; `sizeBytes` is its size, with the header of an encrypted one. */
export type Refill = { sizeBytes: number; write(at: number, bytes: Buffer): Promise<void> }

/** How QEMU opens a volume: as files of this host, or from a server that this host runs for this one guest. */
export type OpenedVolume = OpenedLayers | ServedVolume

/** A server of the NBD protocol that has the volume as the export `volume`. `socket` is a path that only this guest's user may open. */
export type ServedVolume = { socket: string }

/**
 * The files of a volume, the oldest first. QEMU writes the last one alone; each of the others is read where the next has a
 * hole. `number` is that of the layer in its volume.
 */
export type OpenedLayers = {
  layers: readonly { path: string; format: 'raw' | 'qcow2'; number: number }[]
  /** The layers have ciphertext, and the file the key, as text; absent for a plain volume. */
  luks?: { keyFile: string }
}

/** What a volume driver asks of the guest that has a volume and runs. */
export type RunningGuest = {
  /** Whether QEMU has the volume open. */
  has(id: string): Promise<boolean>
  /** Makes the block node of a volume larger. */
  resize(volume: { id: string; sizeBytes: number }): Promise<void>
  /**
   * Makes QEMU use these layers of volumes: those that QEMU does not have yet are put on top of the others, in order.
   * The volumes get their last layers at one instant. Afterwards QEMU writes only into the last ones. Repeating the call
   * changes nothing.
   */
  follow(volumes: readonly { id: string; opened: OpenedLayers }[]): Promise<void>
  /**
   * Begins to write what the layers of the numbers `gone` contain into the layer `into`, which lies directly below or above
   * them. None of them is the last layer. What the guest reads changes at no moment. Returns a function that waits for the end;
   * it raises when the guest ends before, or when another call has ended the work, after which nothing has changed.
   * Afterwards QEMU does not use the layers `gone` any more.
   */
  merge(volume: {
    id: string
    opened: OpenedLayers
    into: number
    gone: readonly number[]
  }): Promise<(op: Op) => Promise<void>>
  /**
   * Copies a volume into the layer `target`, an empty file of the same size, and lets all later writes go to both. Goes on with
   * a copy that is being made already. `encrypted`: the layers have ciphertext, and the file the header of the volume.
   */
  mirror(volume: {
    id: string
    opened: OpenedLayers
    target: OpenedLayers['layers'][number]
    encrypted?: true
  }): Promise<Mirror>
  /** The same copy, when one is being made; null otherwise. */
  mirrorOf(id: string): Promise<Mirror | null>
  /** Ends such a copy, whoever makes it; the guest keeps the layers that it has. */
  endMirror(id: string): Promise<void>
  /**
   * Runs `work` while the guest's file systems hold still, if the agent in the guest can arrange that in time. Returns
   * whether they did hold still.
   */
  quiesced(work: () => Promise<void>): Promise<boolean>
}

/**
 * How far a copy is. `held`: the guest's reads and writes are held, and both files are equal. `changed`: the guest uses the copy.
 * `refused`: the copying has failed, or the change, and the guest uses what it had. `gone`: nothing is known any more.
 */
export type MirrorState = 'copying' | 'held' | 'changed' | 'refused' | 'gone'

/** The copy of a volume that the QEMU of a guest makes while the guest goes on. */
export type Mirror = {
  /** Waits until the copy has everything, and tells the progress. Raises when the copy has ended otherwise. */
  synced(op: Op): Promise<void>
  /** Holds the reads and writes of the guest when the copy has everything, safely on its disk. Raises when that is not possible. */
  hold(op: Op): Promise<void>
  state(): Promise<MirrorState>
  /**
   * Lets the guest go on with the copy alone, or finds that it does already. Raises `failed` when QEMU refuses; then the guest goes
   * on with what it had, and the state is `refused` until endMirror.
   */
  change(op: Op): Promise<void>
}

/** What a caller asks of a host; the schemas are in spec.ts. */
export type PoolSpec = Described<typeof spec.poolSpec>
export type VolumeSpec = Described<typeof spec.volumeSpec>
export type VolumeSource = Described<typeof spec.volumeSource>
export type VolumeKey = Described<typeof spec.volumeKey>
export type VolumeSize = Described<typeof spec.volumeSize>
export type KeysSpec = Described<typeof spec.keysSpec>
export type KeptKeysSpec = Described<typeof spec.keptKeysSpec>
export type SnapshotSpec = Described<typeof spec.snapshotSpec>
export type SnapshotsSpec = Described<typeof spec.snapshotsSpec>
export type SnapshotKey = Described<typeof spec.snapshotKey>
export type CopySpec = Described<typeof spec.copySpec>
export type DisownSpec = Described<typeof spec.disownSpec>
export type RevertSpec = Described<typeof spec.revertSpec>
export type ReimageSpec = Described<typeof spec.reimageSpec>
export type ExportSpec = Described<typeof spec.exportSpec>
export type ExportKey = Described<typeof spec.exportKey>

/** What a host says that it has; the schemas are in observed.ts. */
export type ObservedVolume = z.output<typeof observed.observedVolume>
export type ObservedSnapshot = z.output<typeof observed.observedSnapshot>
export type ObservedExport = z.output<typeof observed.observedExport>
export type PoolSpace = z.output<typeof observed.poolSpace>
