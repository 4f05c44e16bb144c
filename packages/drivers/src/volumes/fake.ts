import { DriverError } from '../errors.ts'
import type { LocalVolumeDriver, ObservedVolume, VolumeKey } from './interface.ts'

export type FakeVolumeOptions = {
  totalGib?: number
  /** The size of the base of an image, in bytes. Default 112 MiB. */
  baseBytes?: (blobId: string) => number
}
export type FakeVolumes = LocalVolumeDriver & {
  /** Makes the next call of `method` raise `error`. */
  failNext(method: string, error: DriverError): void
  readonly volumes: ReadonlyMap<string, FakeVolume>
}
type FakeVolume = { id: string; pool: string; sizeBytes: number; guests: Set<string>; base: string | null }

const gib = 1024 ** 3

/** The volumes of a host in memory, with the semantics of the real driver; for tests and scale runs. */
export function createFakeVolumes(options: FakeVolumeOptions = {}): FakeVolumes {
  const volumes = new Map<string, FakeVolume>()
  const failures = new Map<string, DriverError[]>()
  const totalGib = options.totalGib ?? 1000
  const enter = (method: string) => {
    const error = failures.get(method)?.shift()
    if (error) throw error
  }
  const find = ({ id, pool }: VolumeKey) => {
    const found = volumes.get(id)
    return found?.pool === pool.id ? found : undefined
  }
  const observed = ({ id, sizeBytes }: FakeVolume): ObservedVolume => ({ id, sizeBytes, usedBytes: 0 })
  const free = (volume: FakeVolume) => {
    const [guest] = volume.guests
    if (guest) throw new DriverError('conflict', `The guest ${guest} has the volume ${volume.id}.`)
    return volume
  }
  return {
    volumes,
    failNext: (method, error) => void failures.set(method, [...(failures.get(method) ?? []), error]),
    async probePool() {
      enter('probePool')
      return { totalGib, freeGib: totalGib }
    },
    async ensureVolume(_op, spec) {
      enter('ensureVolume')
      const known = find(spec)
      if (known) return observed(known)
      const sizeBytes = spec.sizeGib * gib
      const least = spec.source ? (options.baseBytes?.(spec.source.base.blobId) ?? 112 * 1024 ** 2) : 0
      if (least > sizeBytes)
        throw new DriverError('invalid', `the source has ${least} bytes, the volume ${sizeBytes}`)
      const base = spec.source?.base.blobId ?? null
      const volume: FakeVolume = { id: spec.id, pool: spec.pool.id, sizeBytes, guests: new Set(), base }
      volumes.set(spec.id, volume)
      return observed(volume)
    },
    async removeVolume(_op, key) {
      enter('removeVolume')
      const found = find(key)
      if (found) volumes.delete(free(found).id)
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
    async listVolumes(_op, pool) {
      enter('listVolumes')
      return [...volumes.values()].filter((one) => one.pool === pool.id).map(observed)
    },
    async openVolume(_op, key, guest) {
      enter('openVolume')
      const found = find(key)
      if (!found) throw new DriverError('not_found', `The volume ${key.id} is gone from its pool.`)
      if (!found.guests.has(guest.id)) free(found)
      found.guests.add(guest.id)
      return { layers: [{ path: `/fake/volumes/${key.id}`, format: 'raw' }] }
    },
    async closeVolumes(_op, guestId, except) {
      enter('closeVolumes')
      for (const volume of volumes.values())
        if (!except.some((key) => find(key) === volume)) volume.guests.delete(guestId)
    },
  }
}
