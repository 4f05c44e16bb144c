import { type BackgroundOptions, createBackgroundJobs } from '../background.ts'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { FrozenVolume, LocalVolumeDriver } from '../volumes/interface.ts'
import { layerBytes } from '../volumes/manifest.ts'
import { createChunkBuffers } from './chunk-buffers.ts'
import {
  allBackups,
  backupsOf,
  type Chunk,
  chunkBytes,
  type Index,
  observedOf,
  pieceOf,
  piecesOf,
  readIndex,
  readRecord,
  removeDraft,
  removeRecord,
  writeDraft,
  writeIndex,
  writeRecord,
} from './index-file.ts'
import type {
  BackupDriver,
  BackupSpec,
  ObservedBackup,
  RestoredVolume,
  RestoreSpec,
  StoreSpec,
  StoreWord,
} from './interface.ts'
import { hashOf, packed, unpacked } from './piece.ts'
import { removeBackupFrom } from './removal.ts'
import { storeWord } from './spec.ts'
import type { BackupStore } from './store.ts'

export type BackupOptions = {
  volumes: Pick<LocalVolumeDriver, 'openFrozen' | 'dropFrozen' | 'refillVolume'>
  /** The store with that id; undefined when this host does not reach it. */
  storeOf(id: string): BackupStore | undefined
  background?: BackgroundOptions
}

/** The folder of the words by which hosts find out whether they reach one store. No volume has such a name. */
const wordsOf = 'reached-by'

/** How many chunks are in work at once: while one is read, others are compressed and written. */
const atOnce = 6

/**
 * Backups in chunks of 4 MiB. A chunk that is the same as in the parent is not stored again; a chunk of zeros is not stored at
 * all. The checksums of the chunks are in the index of the backup, and the checksum of the index is what the caller keeps.
 */
export function createBackups({ volumes, storeOf, background }: BackupOptions): BackupDriver {
  const jobs = createBackgroundJobs(background)
  /** The last restore of each volume: another one ends it. */
  const restores = new Map<string, string>()
  const find = ({ id }: StoreSpec): BackupStore => {
    const store = storeOf(id)
    if (!store) throw new DriverError('unsupported', `This host does not reach the store ${id} of backups.`)
    return store
  }
  return {
    probeStore: async (_op, store) => find(store).space(),
    async proveStore(_op, { store, name, word }) {
      const place = find(store)
      await place.write(`${wordsOf}/${name}`, Buffer.from(word))
      await place.settle(wordsOf)
      const found: StoreWord[] = []
      for (const one of await place.list(wordsOf)) {
        const text = await place.read(`${wordsOf}/${one}`)
        const told = storeWord.safeParse({ name: one, word: text?.toString() })
        if (told.success) found.push(told.data)
      }
      return found
    },
    ensureBackup: (op, spec) =>
      jobs.ask(op, `backup ${spec.id}`, (own) => makeBackup(own, volumes, find(spec.store), spec)),
    async removeBackup(op, { pool, ...key }) {
      await jobs.end(`backup ${key.id}`)
      const store = find(key.store)
      if (pool) {
        const isMade = (await backupsOf(store, key.volumeId)).made.includes(key.id)
        await volumes.dropFrozen(op, { id: key.id, volumeId: key.volumeId, pool }, false).catch((err) => {
          // A backup can be removed whatever has become of its volume and of the pool.
          if (!isMade) throw err
          op.log.warn({ err, backup: key.id }, 'what the volume keeps for a removed backup is left there')
        })
      }
      await removeBackupFrom(store, key)
    },
    async getBackup(_op, { id, volumeId, store }) {
      const found = await readIndex(find(store), volumeId, id)
      return found && observedOf(found)
    },
    listBackups: async (op, store) => allBackups(op, find(store)),
    async keepRecord(_op, { id, volumeId, store, record }) {
      const place = find(store)
      if (!(await backupsOf(place, volumeId)).made.includes(id))
        throw new DriverError('not_found', `The backup ${id} is gone from its store.`)
      await writeRecord(place, volumeId, id, record)
      await place.settle(volumeId)
      // A removal takes the index first and then the record; one that began meanwhile has not seen this record.
      if (!(await backupsOf(place, volumeId)).made.includes(id)) await removeRecord(place, volumeId, id)
    },
    readRecord: async (_op, { id, volumeId, store }) => readRecord(find(store), volumeId, id),
    async restoreBackup(op, spec) {
      const { backup, volume } = spec
      const key = `restore ${volume.id} ${backup.id} ${backup.checksum}`
      const other = restores.get(volume.id)
      restores.set(volume.id, key)
      if (other !== undefined && other !== key) await jobs.end(other)
      return jobs.ask(op, key, (own) => restore(own, volumes, find(backup.store), spec))
    },
  }
}

async function makeBackup(
  op: Op,
  volumes: BackupOptions['volumes'],
  store: BackupStore,
  spec: BackupSpec,
): Promise<ObservedBackup> {
  const { id, volumeId, snapshotId, pool } = spec
  const frozenKey = { id, volumeId, pool }
  try {
    if (!(await readIndex(store, volumeId, id))) {
      const parent = await parentOf(store, spec)
      const frozen = await volumes.openFrozen(op, { ...frozenKey, snapshotId, parentId: parent?.id })
      try {
        await storeAll(op, store, spec, frozen, parent)
      } finally {
        await frozen.close()
      }
    }
    // An agent that was ended may have written the index without this.
    await store.settle(volumeId)
  } catch (error) {
    // What is kept has links to all layers, what is stored takes room, and nobody would remove either before the backup. Work that
    // was given up goes on later.
    if (!op.signal.aborted)
      await Promise.all([
        volumes.dropFrozen(op, frozenKey, false),
        removeUnfinished(store, volumeId, id),
      ]).catch((err: unknown) => op.log.warn({ err, backup: id }, 'what a backup has kept is left behind'))
    throw error
  }
  const made = await readIndex(store, volumeId, id)
  if (!made) throw new DriverError('failed', `The backup ${id} is not in its store.`)
  await removeDraft(store, volumeId, id)
  await volumes.dropFrozen(op, frozenKey, true)
  return observedOf(made)
}

/** Removes what is stored of a backup without an index. With an index the backup is whole, whatever has failed since. */
async function removeUnfinished(store: BackupStore, volumeId: string, id: string): Promise<void> {
  if ((await backupsOf(store, volumeId)).made.includes(id)) return
  await store.remove(piecesOf(volumeId, id))
  await removeDraft(store, volumeId, id)
}

/** The index of the parent, which is not removed any more until the draft is. */
async function parentOf(store: BackupStore, { id, volumeId, parent }: BackupSpec): Promise<Index | null> {
  // What an interrupted call has stored was perhaps not made durable.
  await store.remove(piecesOf(volumeId, id))
  if (!parent) {
    await writeDraft(store, volumeId, id, null)
    return null
  }
  const gone = new DriverError('not_found', `The backup ${parent.id} is gone from its store.`)
  const found = await readIndex(store, volumeId, parent.id)
  if (!found) throw gone
  if (found.checksum !== parent.checksum)
    throw new DriverError('failed', `The index of the backup ${parent.id} is not the one that was written.`)
  await writeDraft(store, volumeId, id, found.index)
  // A removal in the meantime has not seen the draft.
  if (!(await backupsOf(store, volumeId)).made.includes(parent.id)) throw gone
  return found.index
}

async function storeAll(
  op: Op,
  store: BackupStore,
  { id, volumeId }: BackupSpec,
  frozen: FrozenVolume,
  parent: Index | null,
): Promise<void> {
  const { quiesced, luks } = frozen
  const about = { sizeBytes: frozen.sizeBytes, luks: luks ?? undefined }
  const sizeBytes = layerBytes(about)
  const chunks = new Map<number, Chunk>()
  const total = { added: 0, storedBytes: 0 }
  const buffers = createChunkBuffers()
  /** Whether the volume knows what has changed since the parent. */
  const knows = parent !== null && frozen.since === parent.id
  const reason = frozen.unknownBecause ?? 'nobody knows what has changed since the earlier backup'
  if (parent && !knows)
    op.log.info({ backup: id, volumeId, parent: parent.id, reason }, 'a backup reads everything')
  const words = parent && !knows ? `backing up, and reading everything, because ${reason}` : 'backing up'
  const storing = forEachChunk(op, sizeBytes, words, async (no, at, length) => {
    const before = parent?.chunks.get(no)
    if (knows && at + length <= layerBytes(parent) && !(await frozen.hasChanged(at, length))) {
      if (before) chunks.set(no, before)
      return
    }
    const buffer = await buffers.take()
    let giveBack = () => buffers.give(buffer)
    try {
      const bytes = await frozen.read(at, length, buffer.subarray(0, length))
      if (bytes === null || isZero(bytes)) return
      const hash = await hashOf(bytes)
      if (before?.hash === hash) {
        chunks.set(no, before)
        return
      }
      const piece = await packed(bytes)
      const onOver = giveBack
      giveBack = () => undefined
      await store.writeLater(piecesOf(volumeId, id), pieceOf(volumeId, id, no), piece, onOver)
      chunks.set(no, { owner: id, hash })
      total.added += 1
      total.storedBytes += lengthOf(piece)
    } finally {
      giveBack()
    }
  })
  try {
    await storing
  } catch (error) {
    // Nothing may be written any more when the next try removes what this one has left.
    await Promise.allSettled([store.settle(piecesOf(volumeId, id))])
    throw error
  }
  if (total.added > 0) await store.settle(piecesOf(volumeId, id))
  const index: Index = { id, volumeId, ...about, quiesced, parentId: parent?.id ?? null, ...total, chunks }
  await writeIndex(store, index)
}

const lengthOf = (parts: readonly Buffer[]): number => parts.reduce((sum, { length }) => sum + length, 0)

async function restore(
  op: Op,
  volumes: BackupOptions['volumes'],
  store: BackupStore,
  { backup, volume }: RestoreSpec,
): Promise<RestoredVolume> {
  const found = await readIndex(store, backup.volumeId, backup.id)
  if (!found) throw new DriverError('not_found', `The backup ${backup.id} is gone from its store.`)
  if (found.checksum !== backup.checksum)
    throw new DriverError('failed', `The index of the backup ${backup.id} is not the one that was written.`)
  const { luks, chunks } = found.index
  const sizeBytes = layerBytes(found.index)
  let restoredBytes = 0
  const buffers = createChunkBuffers()
  await volumes.refillVolume(
    op,
    volume,
    luks ?? null,
    async (into) => {
      if (sizeBytes > into.sizeBytes)
        throw new DriverError('invalid', 'The backup is larger than the volume.')
      await forEachChunk(op, sizeBytes, 'restoring', async (no, at, length) => {
        const chunk = chunks.get(no)
        if (!chunk) return
        const name = pieceOf(backup.volumeId, chunk.owner, no)
        const buffer = await buffers.take()
        try {
          const piece = await store.read(name, buffer)
          if (!piece)
            throw new DriverError('failed', `The piece ${name} of the backup is gone from the store.`)
          const bytes = await unpacked(piece, chunk.hash, name)
          if (bytes.length !== length)
            throw new DriverError('failed', `The piece ${name} has another length.`)
          restoredBytes += length
          await writeWithoutZeros(into, at, bytes)
        } finally {
          buffers.give(buffer)
        }
      })
    },
    chunks.size * chunkBytes,
  )
  return { id: volume.id, restoredBytes }
}

/** The smallest piece of zeros that becomes a hole. */
const holeBytes = 64 * 1024

/** Writes what is not zero, so that the volume takes no more room than the original did. */
async function writeWithoutZeros(
  into: { write(at: number, bytes: Buffer): Promise<void> },
  at: number,
  bytes: Buffer,
): Promise<void> {
  for (let begin = 0; begin < bytes.length; ) {
    const isData = (from: number) => from < bytes.length && !isZero(bytes.subarray(from, from + holeBytes))
    if (!isData(begin)) {
      begin += holeBytes
      continue
    }
    let end = begin + holeBytes
    while (isData(end)) end += holeBytes
    await into.write(at + begin, bytes.subarray(begin, end))
    begin = end
  }
}

const zeros = Buffer.alloc(chunkBytes)
const isZero = (bytes: Buffer): boolean => bytes.equals(zeros.subarray(0, bytes.length))

/** Does something for each chunk of a volume, several at once; tells the progress in percent. */
async function forEachChunk(
  op: Op,
  sizeBytes: number,
  words: string,
  work: (no: number, at: number, length: number) => Promise<void>,
): Promise<void> {
  const count = Math.ceil(sizeBytes / chunkBytes)
  const running = new Set<Promise<void>>()
  let told = -1
  try {
    for (let no = 0; no < count; no += 1) {
      op.signal.throwIfAborted()
      const at = no * chunkBytes
      const one = work(no, at, Math.min(chunkBytes, sizeBytes - at)).finally(() => running.delete(one))
      running.add(one)
      if (running.size >= atOnce) await Promise.race(running)
      const percent = Math.floor((100 * no) / count)
      if (percent === told) continue
      told = percent
      op.progress(`${words}: ${percent} %`)
    }
    await Promise.all(running)
  } finally {
    // After a failure nothing goes on behind the caller's back.
    await Promise.allSettled(running)
  }
}
