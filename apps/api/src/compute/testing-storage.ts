import type { ObservedDisk, StorageDriver } from '@stratolith/drivers/storage/interface'

export type FakeStorage = StorageDriver & {
  /** The next call of that method raises this and changes nothing. */
  failNext(method: 'ensureDisk' | 'removeDisk' | 'ensureBase', error: Error): void
}

/** Disks that are records: enough for the rows above them. */
export function createFakeStorage(): FakeStorage {
  const disks = new Map<string, ObservedDisk>()
  const bases = new Set<string>()
  const failures: { method: string; error: Error }[] = []
  const enter = (method: string) => {
    const index = failures.findIndex((failure) => failure.method === method)
    const [failure] = index < 0 ? [] : failures.splice(index, 1)
    if (failure) throw failure.error
  }
  return {
    capabilities: { formats: ['raw', 'qcow2'], overlay: true, shared: false },
    failNext: (method, error) => void failures.push({ method, error }),
    probe: async () => ({ totalGib: 1000, freeGib: 900 }),
    async ensureDisk(_op, spec) {
      enter('ensureDisk')
      if (!bases.has(spec.base.blobId)) throw new Error(`no base ${spec.base.blobId}`)
      const { id, instanceId } = spec
      const sizeBytes = spec.sizeGib * 1024 ** 3
      const disk = disks.get(id) ?? {
        id,
        instanceId,
        path: `/fake/${id}`,
        format: 'qcow2' as const,
        sizeBytes,
      }
      disks.set(id, disk)
      return disk
    },
    async removeDisk(_op, id) {
      enter('removeDisk')
      disks.delete(id)
    },
    listDisks: async () => [...disks.values()],
    async ensureBase(_op, spec) {
      enter('ensureBase')
      bases.add(spec.blobId)
      return { virtualBytes: 64 * 1024 ** 2 }
    },
    removeBase: async (_op, id) => void bases.delete(id),
    listBases: async () => [...bases],
  }
}
