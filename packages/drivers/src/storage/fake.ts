import { DriverError } from '../errors.ts'
import type { KeptGuest, LocalStorageDriver, ObservedDisk } from './interface.ts'

export type FakeStorageOptions = { totalGib?: number; baseBytes?: number }
export type FakeStorage = LocalStorageDriver & {
  /** Makes the next call of `method` raise `error`. */
  failNext(method: string, error: DriverError): void
  readonly disks: ReadonlyMap<string, ObservedDisk>
  readonly bases: ReadonlyMap<string, number>
}

/** A host's storage in memory, with the semantics of the real one; for tests and scale runs. */
export function createFakeStorage(options: FakeStorageOptions = {}): FakeStorage {
  const disks = new Map<string, ObservedDisk>()
  const bases = new Map<string, number>()
  const trashed = new Map<string, { disk: ObservedDisk; at: string }>()
  const guests = new Map<string, KeptGuest>()
  /** Id of a disk → id of its base. */
  const overlays = new Map<string, string>()
  const failures = new Map<string, DriverError>()
  const totalGib = options.totalGib ?? 1000
  const enter = (method: string) => {
    const error = failures.get(method)
    failures.delete(method)
    if (error) throw error
  }
  return {
    disks,
    bases,
    capabilities: { formats: ['raw', 'qcow2'], overlay: true, shared: false },
    failNext: (method, error) => void failures.set(method, error),
    async probe() {
      enter('probe')
      return { totalGib, freeGib: totalGib }
    },
    async ensureBase(_op, spec) {
      enter('ensureBase')
      const bytes = bases.get(spec.blobId) ?? options.baseBytes ?? 112 * 1024 ** 2
      if (bytes > spec.maxVirtualBytes) throw new DriverError('invalid', 'the image is larger than allowed')
      bases.set(spec.blobId, bytes)
      return { virtualBytes: bytes }
    },
    async removeBase(_op, blobId) {
      enter('removeBase')
      if ([...disks.keys(), ...trashed.keys()].some((id) => overlays.get(id) === blobId))
        throw new DriverError('conflict', `a disk is an overlay on base ${blobId}`)
      bases.delete(blobId)
    },
    async listBases() {
      enter('listBases')
      return [...bases.keys()]
    },
    async ensureDisk(_op, spec) {
      enter('ensureDisk')
      const known = disks.get(spec.id)
      if (known) return known
      const base = bases.get(spec.base.blobId)
      if (base === undefined) throw new DriverError('not_found', `base ${spec.base.blobId}`)
      const sizeBytes = spec.sizeGib * 1024 ** 3
      if (base > sizeBytes) throw new DriverError('invalid', 'the image needs more than the disk has')
      const disk: ObservedDisk = {
        id: spec.id,
        instanceId: spec.instanceId,
        path: `/fake/${spec.instanceId}/disk-${spec.id}.qcow2`,
        format: 'qcow2',
        sizeBytes,
      }
      disks.set(spec.id, disk)
      if (spec.mode === 'overlay') overlays.set(spec.id, spec.base.blobId)
      return disk
    },
    async ensureLocalDisk(_op, { id, instanceId, sizeMib }) {
      enter('ensureLocalDisk')
      const disk: ObservedDisk = disks.get(id) ?? {
        id,
        instanceId,
        path: `/fake/${instanceId}/disk-${id}.qcow2`,
        format: 'qcow2',
        sizeBytes: sizeMib * 1024 ** 2,
      }
      disks.set(id, disk)
      return disk
    },
    async disksOf(_op, instanceId) {
      enter('disksOf')
      return [...disks.values()].filter((disk) => disk.instanceId === instanceId)
    },
    async removeDisk(_op, id) {
      enter('removeDisk')
      disks.delete(id)
    },
    trash: {
      async put(_op, id) {
        enter('trash.put')
        const disk = disks.get(id)
        if (!disk) return
        trashed.set(id, { disk, at: new Date().toISOString() })
        disks.delete(id)
      },
      async list() {
        return [...trashed].map(([id, { disk, at }]) => {
          const { name, projectId } = guests.get(disk.instanceId) ?? {}
          const guest = name === undefined || projectId === undefined ? null : { name, projectId }
          return { id, sizeBytes: 196_608, trashedAt: at, guest }
        })
      },
      async takeBack(_op, id) {
        const found = trashed.get(id)
        if (!found) throw new DriverError('not_found', `disk ${id} is not in the trash`)
        if (disks.has(id)) throw new DriverError('conflict', `disk ${id} exists already`)
        for (const [other, { disk }] of trashed) {
          if (disk.instanceId !== found.disk.instanceId || disks.has(other)) continue
          disks.set(other, disk)
          trashed.delete(other)
        }
        return guests.get(found.disk.instanceId) ?? null
      },
      async keepGuest(_op, guest) {
        enter('trash.keepGuest')
        guests.set(guest.instanceId, guest)
      },
      async dropGuest(_op, instanceId) {
        guests.delete(instanceId)
      },
      async empty(_op, { olderThanMs }) {
        enter('trash.empty')
        const old = [...trashed].filter(([, { at }]) => Date.now() - Date.parse(at) >= olderThanMs)
        for (const [id] of old) trashed.delete(id)
        const waiting = new Set([...trashed.values()].map(({ disk }) => disk.instanceId))
        if (olderThanMs === 0) for (const id of guests.keys()) if (!waiting.has(id)) guests.delete(id)
        return old.map(([id]) => id)
      },
    },
    async listDisks() {
      enter('listDisks')
      return [...disks.values()]
    },
    basePath: (blobId) => `/fake/bases/${blobId}.raw`,
    async findDisk(_op, { id, instanceId }) {
      enter('findDisk')
      const disk = disks.get(id)
      return disk?.instanceId === instanceId ? disk : null
    },
  }
}
