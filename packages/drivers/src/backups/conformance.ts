import { expect, test } from 'vitest'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { LocalVolumeDriver, PoolSpec, VolumeKey } from '../volumes/interface.ts'
import type { BackupDriver, BackupKey, BackupSpec, ObservedBackup, StoreSpec } from './interface.ts'

export type BackupBench = {
  driver: BackupDriver
  volumes: LocalVolumeDriver
  op: Op
  pool: PoolSpec
  store: StoreSpec
  /** A user whom a guest may have. */
  uid: number
}

/** The tests that every driver of backups must pass; they run on the fake and on the real drivers. */
export function backupConformance(bench: () => BackupBench): void {
  async function aVolume(sizeGib = 1): Promise<VolumeKey> {
    const { volumes, op, pool } = bench()
    const key = { id: crypto.randomUUID(), pool }
    await volumes.ensureVolume(op, { ...key, sizeGib, source: null })
    return key
  }
  const specOf = ({ id, pool }: VolumeKey, more: Partial<BackupSpec> = {}): BackupSpec => ({
    ...{ id: crypto.randomUUID(), volumeId: id, store: bench().store, pool, snapshotId: null, parent: null },
    ...more,
  })
  async function made(spec: BackupSpec): Promise<ObservedBackup> {
    const { driver, op } = bench()
    for (;;) {
      const backup = await driver.ensureBackup(op, spec)
      if (backup) return backup
    }
  }
  const keyOf = ({ id, volumeId, store }: BackupKey): BackupKey => ({ id, volumeId, store })
  const parentOf = ({ id, checksum }: ObservedBackup) => ({ id, checksum })
  const restore = async ({ id, volumeId, checksum }: ObservedBackup, volume: VolumeKey) => {
    const { driver, op, store } = bench()
    for (;;) {
      const done = await driver.restoreBackup(op, { backup: { id, volumeId, checksum, store }, volume })
      if (done) return done
    }
  }
  async function codeOf(work: Promise<unknown>): Promise<string> {
    const error = await work.then(
      () => 'no error',
      (e: unknown) => e,
    )
    return error instanceof DriverError ? error.code : String(error)
  }

  test('a store says how large it is, and a store that a host does not know is unsupported', async () => {
    const { driver, op, store } = bench()
    const { totalBytes, freeBytes } = await driver.probeStore(op, store)
    expect(freeBytes).toBeLessThanOrEqual(totalBytes)
    expect(freeBytes).toBeGreaterThan(0)
    expect(await codeOf(driver.probeStore(op, { ...store, id: 'elsewhere' }))).toBe('unsupported')
  })

  test('a backup is made once, is found, and can be removed twice', async () => {
    const { driver, op, pool } = bench()
    const spec = specOf(await aVolume(2))
    expect(await driver.getBackup(op, keyOf(spec))).toBeNull()
    const backup = await made(spec)
    expect(backup).toMatchObject({
      id: spec.id,
      volumeId: spec.volumeId,
      sizeBytes: 2 * 1024 ** 3,
      parentId: null,
    })
    expect(await made(spec)).toEqual(backup)
    expect(await driver.getBackup(op, keyOf(spec))).toEqual(backup)
    expect(await driver.getBackup(op, { ...keyOf(spec), volumeId: crypto.randomUUID() })).toBeNull()
    for (let n = 0; n < 2; n += 1) await driver.removeBackup(op, { ...keyOf(spec), pool })
    expect(await driver.getBackup(op, keyOf(spec))).toBeNull()
    await driver.removeBackup(op, { ...keyOf(spec), pool: null })
  })

  test('a word that is left in a store is read there, and the next one of that name takes its place', async () => {
    const { driver, op, store } = bench()
    const [name, other] = [crypto.randomUUID(), crypto.randomUUID()]
    const leave = async (of: string) => {
      const word = crypto.randomUUID()
      return { word, all: await driver.proveStore(op, { store, name: of, word }) }
    }
    const first = await leave(name)
    expect(first.all).toContainEqual({ name, word: first.word })
    const second = await leave(other)
    expect(second.all).toContainEqual({ name, word: first.word })
    const third = await leave(name)
    expect(third.all.filter((one) => one.name === name)).toEqual([{ name, word: third.word }])
    expect(await codeOf(driver.proveStore(op, { store: { ...store, id: 'x' }, name, word: name }))).toBe(
      'unsupported',
    )
  })

  test('a store lists its backups, and keeps a record beside each as long as it is there', async () => {
    const { driver, op, store } = bench()
    const volume = await aVolume()
    const [one, two] = [specOf(volume), specOf(await aVolume())]
    const listed = async () => {
      const all = await driver.listBackups(op, store)
      return [one, two].filter(({ id, volumeId }) =>
        all.some((found) => found.id === id && found.volumeId === volumeId),
      )
    }
    expect(await listed()).toEqual([])
    expect(await codeOf(driver.keepRecord(op, { ...keyOf(one), record: 'early' }))).toBe('not_found')
    for (const spec of [one, two]) await made(spec)
    expect(await listed()).toEqual([one, two])
    expect(await driver.readRecord(op, keyOf(one))).toBeNull()
    for (const record of ['first', 'ünd möre']) await driver.keepRecord(op, { ...keyOf(one), record })
    expect(await driver.readRecord(op, keyOf(one))).toBe('ünd möre')
    expect(await driver.readRecord(op, keyOf(two))).toBeNull()
    await driver.removeBackup(op, { ...keyOf(one), pool: null })
    expect(await listed()).toEqual([two])
    expect(await driver.readRecord(op, keyOf(one))).toBeNull()
    expect(await codeOf(driver.listBackups(op, { ...store, id: 'elsewhere' }))).toBe('unsupported')
  })

  test('a backup names its parent, and needs that it is there as it was', async () => {
    const { driver, op } = bench()
    const volume = await aVolume()
    const parent = await made(specOf(volume))
    const child = await made(specOf(volume, { parent: parentOf(parent) }))
    expect(child.parentId).toBe(parent.id)
    const other = { ...parentOf(parent), checksum: '0'.repeat(64) }
    expect(await codeOf(driver.ensureBackup(op, specOf(volume, { parent: other })))).toBe('failed')
    await driver.removeBackup(op, { ...keyOf({ ...parent, store: bench().store }), pool: null })
    expect(await codeOf(driver.ensureBackup(op, specOf(volume, { parent: parentOf(parent) })))).toBe(
      'not_found',
    )
    expect((await made(specOf(volume, { parent: parentOf(child) }))).parentId).toBe(child.id)
    await restore(child, volume)
  })

  test('a backup outlives its volume, and what is gone cannot be backed up', async () => {
    const { driver, volumes, op, pool } = bench()
    const volume = await aVolume()
    const snapshot = { id: crypto.randomUUID(), volumeId: volume.id, pool }
    await volumes.ensureSnapshot(op, snapshot)
    const ofSnapshot = specOf(volume, { snapshotId: snapshot.id })
    const backup = await made(ofSnapshot)
    await volumes.removeSnapshot(op, snapshot)
    await volumes.removeVolume(op, volume)
    expect(await driver.getBackup(op, keyOf(ofSnapshot))).toEqual(backup)
    expect(await made(ofSnapshot)).toEqual(backup)
    expect(await codeOf(driver.ensureBackup(op, specOf(volume)))).toBe('not_found')
    const again = specOf(volume, { snapshotId: snapshot.id })
    expect(await codeOf(driver.ensureBackup(op, again))).toBe('not_found')
    const target = await aVolume()
    expect(await restore(backup, target)).toMatchObject({ id: target.id })
  })

  test('a volume that a guest has, is too small or is gone gets no backup', async () => {
    const { volumes, op, uid } = bench()
    const volume = await aVolume()
    const backup = await made(specOf(volume))
    const guest = { id: crypto.randomUUID(), uid }
    await volumes.openVolume(op, volume, guest)
    expect(await codeOf(restore(backup, volume))).toBe('conflict')
    await volumes.closeVolumes(op, guest.id, [])
    expect(await codeOf(restore({ ...backup, checksum: '0'.repeat(64) }, volume))).toBe('failed')
    expect(await codeOf(restore({ ...backup, id: crypto.randomUUID() }, volume))).toBe('not_found')
    const large = await made(specOf(await aVolume(2)))
    expect(await codeOf(restore(large, volume))).toBe('invalid')
    await volumes.removeVolume(op, volume)
    expect(await codeOf(restore(backup, volume))).toBe('not_found')
  })
}
