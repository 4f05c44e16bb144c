import { DriverError } from '../errors.ts'
import type { FakeVolumes } from '../volumes/fake.ts'
import type { BackupDriver, BackupKey, BackupSpec, ObservedBackup } from './interface.ts'

export type FakeBackups = BackupDriver & {
  /** Makes the next call of `method` raise `error`; null: the next call says that the work goes on. */
  failNext(method: string, error: DriverError | null): void
  readonly backups: ReadonlyMap<string, FakeBackup>
  /** Makes the store of another host that of this one, too. */
  mount(other: FakeBackups): void
  readonly shelf: FakeStore
}
/** The store of one host or of several. */
type FakeStore = { mark: string; backups: Map<string, FakeBackup>; words: Map<string, string> }
type FakeBackup = ObservedBackup & { store: string; base: string | null; record: string | null }

/** The backups of a host in memory, with the semantics of the real driver; for tests and scale runs. */
export function createFakeBackups(volumes: FakeVolumes): FakeBackups {
  let shelf: FakeStore = { mark: crypto.randomUUID(), backups: new Map(), words: new Map() }
  const failures = new Map<string, (DriverError | null)[]>()
  /** Returns true when the call is to say that the work goes on. */
  const isUnderWay = (method: string): boolean => {
    const error = failures.get(method)?.shift()
    if (error) throw error
    return error === null
  }
  const find = ({ id, volumeId, store }: BackupKey) => {
    const found = shelf.backups.get(id)
    return found?.volumeId === volumeId && found.store === store.id ? found : undefined
  }
  const demandIntact = (key: BackupKey, checksum: string): FakeBackup => {
    const found = find(key)
    if (!found) throw new DriverError('not_found', `The backup ${key.id} is gone from its store.`)
    if (found.checksum !== checksum) throw new DriverError('failed', `The backup ${key.id} is damaged.`)
    return found
  }
  const demandStore = (id: string) => {
    if (id !== 'local') throw new DriverError('unsupported', `This host does not reach the store ${id}.`)
  }
  const observed = ({ store, base, record, ...backup }: FakeBackup): ObservedBackup => backup
  const sourceOf = ({ snapshotId, volumeId, pool }: BackupSpec) => {
    const found = snapshotId === null ? volumes.volumes.get(volumeId) : volumes.snapshots.get(snapshotId)
    if (found?.pool !== pool.id)
      throw new DriverError('not_found', `The volume ${volumeId} is gone from its pool.`)
    return found
  }
  return {
    get shelf() {
      return shelf
    },
    get backups() {
      return shelf.backups
    },
    mount(other) {
      shelf = other.shelf
    },
    failNext: (method, error) => void failures.set(method, [...(failures.get(method) ?? []), error]),
    async probeStore(_op, { id }) {
      isUnderWay('probeStore')
      demandStore(id)
      return { totalBytes: 1024 ** 4, freeBytes: 1024 ** 4, mark: shelf.mark, sharesDisk: true }
    },
    async proveStore(_op, { store, name, word }) {
      isUnderWay('proveStore')
      demandStore(store.id)
      shelf.words.set(name, word)
      return [...shelf.words].map(([of, said]) => ({ name: of, word: said }))
    },
    async ensureBackup(_op, spec) {
      if (isUnderWay('ensureBackup')) return null
      const known = find(spec)
      if (known) return observed(known)
      const { sizeBytes, base } = sourceOf(spec)
      const { id, volumeId, parent, store } = spec
      if (parent) demandIntact({ id: parent.id, volumeId, store }, parent.checksum)
      const made: FakeBackup = {
        ...{
          id,
          volumeId,
          sizeBytes,
          base,
          record: null,
          quiesced: true,
          parentId: parent?.id ?? null,
          store: store.id,
        },
        ...{ storedBytes: parent ? 4096 : sizeBytes / 4, chunks: parent ? 1 : 8 },
        checksum: id.replaceAll('-', '').repeat(2),
      }
      shelf.backups.set(id, made)
      return observed(made)
    },
    async removeBackup(_op, key) {
      isUnderWay('removeBackup')
      if (find(key)) shelf.backups.delete(key.id)
    },
    async getBackup(_op, key) {
      isUnderWay('getBackup')
      const found = find(key)
      return found ? observed(found) : null
    },
    async listBackups(_op, { id }) {
      isUnderWay('listBackups')
      demandStore(id)
      return [...shelf.backups.values()].flatMap((one) =>
        one.store === id ? { id: one.id, volumeId: one.volumeId } : [],
      )
    },
    async keepRecord(_op, { record, ...key }) {
      isUnderWay('keepRecord')
      const found = find(key)
      if (!found) throw new DriverError('not_found', `The backup ${key.id} is gone from its store.`)
      found.record = record
    },
    async readRecord(_op, key) {
      isUnderWay('readRecord')
      return find(key)?.record ?? null
    },
    async restoreBackup(_op, { backup, volume }) {
      if (isUnderWay('restoreBackup')) return null
      const found = demandIntact(backup, backup.checksum)
      volumes.fill(volume, found)
      return { id: volume.id, restoredBytes: found.storedBytes }
    },
  }
}
