import fs from 'node:fs'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { exportPath } from '../storage/image-store.ts'
import type {
  ExportSpec,
  LocalVolumeDriver,
  ObservedSnapshot,
  ObservedVolume,
  PoolSpec,
  SnapshotSpec,
  VolumeKey,
  VolumeSpec,
} from './interface.ts'

export type FakeVolumeOptions = {
  totalGib?: number
  /** The size of the base of an image, in bytes. Default 112 MiB. */
  baseBytes?: (blobId: string) => number
  /** The folder of the image store, and the file that is written there for a volume. Without it there are no exports. */
  exports?: { imagesDir: string; bytes(spec: ExportSpec, sizeBytes: number): Buffer }
}
export type FakeVolumes = LocalVolumeDriver & {
  /** Makes the next call of `method` raise `error`. */
  failNext(method: string, error: DriverError): void
  /** Gives a volume that no guest has the content of a backup. */
  fill(key: VolumeKey, content: { sizeBytes: number; base: string | null }): void
  readonly volumes: ReadonlyMap<string, FakeVolume>
  readonly snapshots: ReadonlyMap<string, FakeSnapshot>
  /** The keys that the host has. */
  readonly keys: ReadonlyMap<string, string>
  /** What lies in a pool with a place of its own, by whichever host it came there. */
  readonly elsewhere: ReadonlyMap<string, Store>
}
type FakeVolume = {
  id: string
  pool: string
  sizeBytes: number
  guests: Set<string>
  base: string | null
  /** The key of an encrypted volume; null for a plain one. */
  key: string | null
  /** The pool into which the volume was moved while a guest had it. */
  movedTo?: PoolSpec
  /** The move whose copy it is, until a guest gets it. */
  copyId?: string
  /** How many snapshots were removed since the last merge. */
  mergeable: number
}
type FakeSnapshot = {
  id: string
  pool: string
  volumeId: string
  sizeBytes: number
  base: string | null
  key: string | null
  guest: string | null
}

const gib = 1024 ** 3
const otherKey = () => new DriverError('invalid', 'The source has another key than the volume.')

type Store = { volumes: Map<string, FakeVolume>; snapshots: Map<string, FakeSnapshot> }
const isLocal = (pool: PoolSpec) => pool.driver === 'files' && pool.path === undefined
/** The pools with a place of their own, which all simulated hosts of this process reach. */
const elsewhere = new Map<string, Store>()

/** The volumes of a host in memory, with the semantics of the real driver; for tests and scale runs. */
export function createFakeVolumes(options: FakeVolumeOptions = {}): FakeVolumes {
  const volumes = new Map<string, FakeVolume>()
  const snapshots = new Map<string, FakeSnapshot>()
  const keys = new Map<string, string>()
  const failures = new Map<string, DriverError[]>()
  const totalGib = options.totalGib ?? 1000
  const storeOf = (pool: PoolSpec): Store => {
    if (isLocal(pool)) return { volumes, snapshots }
    const store = elsewhere.get(pool.id)
    if (store) return store
    throw new DriverError(
      'unavailable',
      'The folder of this host does not have the pool. Is its file system mounted?',
    )
  }
  const enter = (method: string) => {
    const error = failures.get(method)?.shift()
    if (error) throw error
  }
  const find = ({ id, pool }: VolumeKey) => {
    const found = storeOf(pool).volumes.get(id)
    return found?.pool === pool.id ? found : undefined
  }
  const snapshotIn = (id: string, pool: PoolSpec) => {
    const found = storeOf(pool).snapshots.get(id)
    if (found?.pool !== pool.id)
      throw new DriverError('not_found', `The snapshot ${id} is gone from its pool.`)
    return found
  }
  /** Where a volume is that may have been moved while the spec of its guest named another pool. */
  const placeOf = <K extends VolumeKey>(key: K): K => {
    const to = find(key)?.movedTo
    return to ? placeOf({ ...key, pool: to }) : key
  }
  const volumeIn = (key: VolumeKey) => {
    const found = find(key)
    if (!found || found.movedTo)
      throw new DriverError('not_found', `The volume ${key.id} is gone from its pool.`)
    return found
  }
  const sourceOf = ({ source, pool, encryption }: VolumeSpec) => {
    const key = encryption?.key ?? null
    if (!source) return { least: 0, base: null, key }
    if (source.kind === 'image') {
      const base = source.base.blobId
      return { least: options.baseBytes?.(base) ?? 112 * 1024 ** 2, base, key }
    }
    const {
      sizeBytes,
      base,
      key: own,
    } = source.kind === 'snapshot' ? snapshotIn(source.id, pool) : volumeIn({ id: source.id, pool })
    if (own !== key) throw otherKey()
    return { least: sizeBytes, base, key }
  }
  const observedSnapshot = ({ id, volumeId, sizeBytes, guest }: FakeSnapshot): ObservedSnapshot => ({
    ...{ id, volumeId, sizeBytes, quiesced: true, guest },
  })
  const snapshotOf = ({ id, volumeId, pool }: SnapshotSpec): FakeSnapshot => {
    const { sizeBytes, base, key, guests } = volumeIn({ id: volumeId, pool })
    const [guest = null] = guests
    return { id, pool: pool.id, volumeId, sizeBytes, base, key, guest }
  }
  const observed = ({ id, sizeBytes, mergeable, guests }: FakeVolume): ObservedVolume => {
    const [guest] = guests
    return { id, sizeBytes, usedBytes: 0, mergeable, ...(guest ? { guest } : {}) }
  }
  const listed = (volume: FakeVolume): ObservedVolume => ({
    ...observed(volume),
    ...(volume.key === null ? {} : { encrypted: true as const }),
    ...(volume.movedTo ? { movedTo: volume.movedTo.id } : { copyId: volume.copyId ?? null }),
  })
  /** Raises unless a copy of that move may be made in the pool. */
  const demandPlace = ({ id, pool }: VolumeKey, copyId: string) => {
    const there = find({ id, pool })
    if (!there || there.movedTo || there.copyId === copyId) return
    free(there)
    if (there.copyId === undefined)
      throw new DriverError('conflict', `The pool has a volume ${id} already, which is no copy.`)
  }
  const free = (volume: FakeVolume) => {
    const [guest] = volume.guests
    if (guest) throw new DriverError('conflict', `The guest ${guest} has the volume ${volume.id}.`)
    return volume
  }
  return {
    volumes,
    snapshots,
    keys,
    elsewhere,
    failNext: (method, error) => void failures.set(method, [...(failures.get(method) ?? []), error]),
    fill(key, { sizeBytes, base }) {
      const volume = free(volumeIn(key))
      if (sizeBytes > volume.sizeBytes)
        throw new DriverError('invalid', 'The backup is larger than the volume.')
      volume.base = base
    },
    async probePool(_op, pool) {
      enter('probePool')
      storeOf(pool)
      return { totalGib, freeGib: totalGib }
    },
    async makePool(_op, pool) {
      enter('makePool')
      if (!isLocal(pool) && !elsewhere.has(pool.id))
        elsewhere.set(pool.id, { volumes: new Map(), snapshots: new Map() })
      return { totalGib, freeGib: totalGib }
    },
    async removePool(_op, pool) {
      enter('removePool')
      const store = elsewhere.get(pool.id)
      if (store && store.volumes.size + store.snapshots.size > 0)
        throw new DriverError('conflict', 'The pool is not empty.')
      elsewhere.delete(pool.id)
    },
    async ensureVolume(_op, spec) {
      enter('ensureVolume')
      const known = find(spec)
      if (known) return observed(known)
      const sizeBytes = spec.sizeGib * gib
      const { least, base, key } = sourceOf(spec)
      if (least > sizeBytes)
        throw new DriverError('invalid', `the source has ${least} bytes, the volume ${sizeBytes}`)
      const volume: FakeVolume = {
        id: spec.id,
        pool: spec.pool.id,
        sizeBytes,
        guests: new Set(),
        base,
        key,
        mergeable: 0,
      }
      storeOf(spec.pool).volumes.set(spec.id, volume)
      return observed(volume)
    },
    async giveKeys(_op, spec) {
      enter('giveKeys')
      for (const { id, key } of spec.keys) keys.set(id, key)
    },
    async keepKeys(_op, { ids }) {
      enter('keepKeys')
      for (const id of keys.keys()) if (!ids.includes(id)) keys.delete(id)
      return ids.filter((id) => !keys.has(id))
    },
    async removeVolume(_op, key) {
      enter('removeVolume')
      const found = find(key)
      if (found) storeOf(key.pool).volumes.delete(free(found).id)
    },
    async growVolume(_op, { sizeGib, ...key }) {
      enter('growVolume')
      const found = find(key)
      if (!found) throw new DriverError('not_found', `volume ${key.id}`)
      if (sizeGib * gib < found.sizeBytes)
        throw new DriverError('invalid', `volume ${key.id} has ${found.sizeBytes} bytes already`)
      found.sizeBytes = sizeGib * gib
      return observed(found)
    },
    async copyVolume(_op, { id, from, to, copyId }) {
      enter('copyVolume')
      const { base, sizeBytes, key } = free(volumeIn({ id, pool: from }))
      demandPlace({ id, pool: to }, copyId)
      const copy: FakeVolume = {
        ...{ id, pool: to.id, sizeBytes, guests: new Set(), base, key, mergeable: 0, copyId },
      }
      storeOf(to).volumes.set(id, copy)
      return observed(copy)
    },
    async moveInUse(_op, { id, from, to, copyId }) {
      enter('moveInUse')
      const source = find({ id, pool: from })
      if (source?.movedTo?.id !== to.id) {
        const { sizeBytes, base, key, guests } = volumeIn({ id, pool: from })
        if (guests.size !== 1)
          throw new DriverError('conflict', `No guest runs with the volume ${id} on this host.`)
        const moved = { id, pool: to.id, sizeBytes, base, key, guests: new Set(guests), mergeable: 0, copyId }
        storeOf(to).volumes.set(id, moved)
        if (source) source.movedTo = to
      }
      return observed(volumeIn({ id, pool: to }))
    },
    async endMove(_op, { id, from, to }) {
      enter('endMove')
      const source = find({ id, pool: from })
      if (source ? source.movedTo?.id === to.id : find({ id, pool: to })) return true
      storeOf(to).volumes.delete(id)
      return false
    },
    settleMoves: async () => undefined,
    async disown(_op, { pool }) {
      enter('disown')
      storeOf(pool)
    },
    async listVolumes(_op, pool) {
      enter('listVolumes')
      return [...storeOf(pool).volumes.values()].filter((one) => one.pool === pool.id).map(listed)
    },
    async ensureSnapshot(_op, { id, volumeId, pool }) {
      enter('ensureSnapshot')
      const snapshot = storeOf(pool).snapshots.get(id) ?? snapshotOf({ id, volumeId, pool })
      storeOf(pool).snapshots.set(id, snapshot)
      return observedSnapshot(snapshot)
    },
    async ensureSnapshots(_op, { pool, snapshots: wanted }) {
      enter('ensureSnapshots')
      const store = storeOf(pool).snapshots
      const made = wanted.map((one) => store.get(one.id) ?? snapshotOf({ ...one, pool }))
      for (const snapshot of made) store.set(snapshot.id, snapshot)
      return made.map(observedSnapshot)
    },
    async removeSnapshot(_op, { id, pool }) {
      enter('removeSnapshot')
      const store = storeOf(pool)
      const found = store.snapshots.get(id)
      if (found?.pool !== pool.id) return
      store.snapshots.delete(id)
      const volume = store.volumes.get(found.volumeId)
      if (volume) volume.mergeable += 1
    },
    async revertVolume(_op, { snapshotId, ...key }) {
      enter('revertVolume')
      const volume = free(volumeIn(key))
      const { sizeBytes, base, key: own } = snapshotIn(snapshotId, key.pool)
      if (own !== volume.key) throw otherKey()
      if (sizeBytes > volume.sizeBytes)
        throw new DriverError('invalid', 'The snapshot is larger than the volume.')
      volume.base = base
      return observed(volume)
    },
    async listSnapshots(_op, pool) {
      enter('listSnapshots')
      return [...storeOf(pool).snapshots.values()].filter((one) => one.pool === pool.id).map(observedSnapshot)
    },
    async mergeLayers(_op, key) {
      enter('mergeLayers')
      const volume = volumeIn(key)
      volume.mergeable = 0
      return observed(volume)
    },
    async openFrozen(_op, { volumeId, snapshotId, pool }) {
      enter('openFrozen')
      const { sizeBytes } =
        snapshotId === null ? volumeIn({ id: volumeId, pool }) : snapshotIn(snapshotId, pool)
      return {
        ...{ sizeBytes, luks: null, quiesced: true, since: null },
        hasChanged: async () => true,
        read: async () => null,
        close: async () => undefined,
      }
    },
    async dropFrozen() {
      enter('dropFrozen')
    },
    async refillVolume(_op, key, _luks, fill) {
      enter('refillVolume')
      const volume = free(volumeIn(key))
      await fill({ sizeBytes: volume.sizeBytes, write: async () => undefined })
      volume.base = null
    },
    async readUnused(_op, key, work) {
      enter('readUnused')
      const { sizeBytes } = free(volumeIn(key))
      await work({ sizeBytes, luks: null, read: async () => null })
    },
    async receiveCopy(_op, { id, pool, sizeBytes, copyId }, fill) {
      enter('receiveCopy')
      demandPlace({ id, pool }, copyId)
      await fill({ sizeBytes, write: async () => undefined })
      const copy: FakeVolume = {
        ...{ id, pool: pool.id, sizeBytes, guests: new Set(), base: null, key: null, mergeable: 0, copyId },
      }
      storeOf(pool).volumes.set(id, copy)
      return observed(copy)
    },
    async reimageVolume(_op, { base, ...key }) {
      enter('reimageVolume')
      const volume = free(volumeIn(key))
      if (volume.key !== null) throw otherKey()
      if ((options.baseBytes?.(base.blobId) ?? 112 * 1024 ** 2) > volume.sizeBytes)
        throw new DriverError('invalid', 'The image is larger than the volume.')
      volume.base = base.blobId
      return observed(volume)
    },
    async exportVolume(_op, spec) {
      enter('exportVolume')
      const { sizeBytes, key } = volumeIn(spec)
      if (key !== null) throw new DriverError('invalid', 'The volume is encrypted.')
      if (!options.exports) throw new DriverError('unsupported', 'This host has no image store.')
      const { imagesDir, bytes } = options.exports
      const file = exportPath(imagesDir, spec.exportId)
      fs.mkdirSync(path.dirname(file), { recursive: true })
      if (!fs.existsSync(file)) fs.writeFileSync(file, bytes(spec, sizeBytes))
      return { sizeBytes: fs.statSync(file).size }
    },
    async removeExport(_op, { exportId }) {
      enter('removeExport')
      if (options.exports) fs.rmSync(exportPath(options.exports.imagesDir, exportId), { force: true })
    },
    async openVolume(_op, wanted, guest) {
      enter('openVolume')
      const key = placeOf(wanted)
      const found = volumeIn(key)
      if (!found.guests.has(guest.id) && !key.shared) free(found)
      const given = keys.get(key.id) ?? null
      if (found.key !== null && given === null)
        throw new DriverError('unavailable', `This host does not have the key of the volume ${key.id} yet.`)
      if (found.key !== null && given !== found.key) throw new DriverError('conflict', 'This is another key.')
      found.guests.add(guest.id)
      if (key.pool.id === wanted.pool.id) delete found.copyId
      return {
        layers: [{ path: `/fake/volumes/${key.id}`, format: 'raw', number: 0 }],
        ...(found.key === null ? {} : { luks: { keyFile: `/fake/keys/${key.id}` } }),
      }
    },
    async closeVolumes(_op, guestId, except) {
      enter('closeVolumes')
      for (const store of [{ volumes }, ...elsewhere.values()])
        for (const volume of store.volumes.values())
          if (
            !except.some((key) => [key, placeOf(key)].some((at) => find(at) === volume)) &&
            volume.guests.delete(guestId)
          )
            keys.delete(volume.id)
    },
  }
}
