import { expect, test } from 'vitest'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { LocalStorageDriver } from './interface.ts'

export type StorageBench = {
  driver: LocalStorageDriver
  op: Op
  /** Puts a raw image of 1 MiB into the image store and returns the id of its blob. */
  rawBlob(): Promise<string>
}

/** The tests that every storage driver must pass; they run on the fake and on the real driver. */
export function storageConformance(bench: () => StorageBench): void {
  const make = async (over: { mode?: 'overlay' | 'copy'; sizeGib?: number } = {}) => {
    const { driver, op, rawBlob } = bench()
    const blobId = await rawBlob()
    await driver.ensureBase(op, { blobId, format: 'raw', maxVirtualBytes: 1024 ** 3 })
    const id = crypto.randomUUID()
    const spec = {
      id,
      instanceId: id,
      projectId: 'p',
      sizeGib: over.sizeGib ?? 1,
      base: { blobId, format: 'raw' as const },
      mode: over.mode ?? ('overlay' as const),
    }
    return { driver, op, blobId, spec }
  }

  test.each(['overlay', 'copy'] as const)(
    'a disk with the mode %s is made once, listed, and can be removed twice',
    async (mode) => {
      const { driver, op, spec } = await make({ mode })
      const disk = await driver.ensureDisk(op, spec)
      expect(disk).toMatchObject({
        id: spec.id,
        instanceId: spec.instanceId,
        format: 'qcow2',
        sizeBytes: 1024 ** 3,
      })
      expect(await driver.ensureDisk(op, spec)).toEqual(disk)
      expect(await driver.listDisks(op)).toContainEqual(disk)
      expect(await driver.findDisk(op, spec)).toEqual(disk)
      expect(await driver.findDisk(op, { ...spec, id: crypto.randomUUID() })).toBeNull()
      await driver.removeDisk(op, spec.id)
      await driver.removeDisk(op, spec.id)
      expect((await driver.listDisks(op)).map((d) => d.id)).not.toContain(spec.id)
      expect(await driver.findDisk(op, spec)).toBeNull()
    },
  )

  test.each(['ext4', 'swap', null] as const)(
    'an ephemeral or swap disk (%s) is made once, is one of the disks of its instance, and comes back with its root disk',
    async (format) => {
      const { driver, op, spec } = await make()
      const { trash } = driver
      const root = await driver.ensureDisk(op, spec)
      const wish = { id: crypto.randomUUID(), instanceId: spec.id, sizeMib: 64, format, label: 'ephemeral0' }
      const disk = await driver.ensureLocalDisk(op, wish)
      expect(disk).toMatchObject({ id: wish.id, instanceId: spec.id, sizeBytes: 64 * 1024 ** 2 })
      expect(await driver.ensureLocalDisk(op, wish)).toEqual(disk)
      expect(await driver.findDisk(op, wish)).toEqual(disk)
      const its = async () =>
        (await driver.disksOf(op, spec.id)).toSorted((a, b) =>
          a.id === spec.id ? -1 : b.id === spec.id ? 1 : 0,
        )
      expect(await its()).toEqual([root, disk])
      expect(await driver.disksOf(op, crypto.randomUUID())).toEqual([])
      for (const { id } of await its()) await trash?.put(op, id)
      expect(await its()).toEqual([])
      await trash?.takeBack(op, spec.id)
      expect(await its()).toEqual([root, disk])
      for (const { id } of await its()) await driver.removeDisk(op, id)
      expect(await its()).toEqual([])
    },
  )

  test('a base is made once, listed, and can be removed twice', async () => {
    const { driver, op, blobId } = await make()
    const again = await driver.ensureBase(op, { blobId, format: 'raw', maxVirtualBytes: 1024 ** 3 })
    expect(again?.virtualBytes).toBeGreaterThan(0)
    expect(await driver.listBases(op)).toContain(blobId)
    await driver.removeBase(op, blobId)
    await driver.removeBase(op, blobId)
    expect(await driver.listBases(op)).not.toContain(blobId)
  })

  test('a base cannot be removed while a disk uses it, also a disk in the trash', async () => {
    const { driver, op, blobId, spec } = await make()
    await driver.ensureDisk(op, spec)
    const refused = { code: 'conflict' }
    await expect(driver.removeBase(op, blobId)).rejects.toMatchObject(refused)
    await driver.trash?.put(op, spec.id)
    await expect(driver.removeBase(op, blobId)).rejects.toMatchObject(refused)
    await driver.trash?.takeBack(op, spec.id)
    await driver.removeDisk(op, spec.id)
    await driver.removeBase(op, blobId)
    expect(await driver.listBases(op)).not.toContain(blobId)
  })

  test('a disk goes into the trash, comes back to its place, and is removed for good in the end', async () => {
    const { driver, op, spec } = await make()
    const { trash } = driver
    if (!trash) throw new Error('this driver has no trash')
    const disk = await driver.ensureDisk(op, spec)
    const ids = async () => (await trash.list(op)).map((one) => one.id)
    await trash.put(op, spec.id)
    await trash.put(op, spec.id)
    expect((await driver.listDisks(op)).map((one) => one.id)).not.toContain(spec.id)
    expect(await trash.list(op)).toContainEqual({
      id: spec.id,
      sizeBytes: expect.any(Number),
      trashedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      guest: null,
    })
    expect(await trash.takeBack(op, spec.id)).toBeNull()
    expect(await driver.listDisks(op)).toContainEqual(disk)
    expect(await driver.ensureDisk(op, spec)).toEqual(disk)
    await expect(trash.takeBack(op, spec.id)).rejects.toMatchObject({ code: 'not_found' })
    await trash.put(op, spec.id)
    await driver.ensureDisk(op, spec)
    await expect(trash.takeBack(op, spec.id)).rejects.toMatchObject({ code: 'conflict' })
    await driver.removeDisk(op, spec.id)
    expect(await trash.empty(op, { olderThanMs: 60_000 })).not.toContain(spec.id)
    expect(await ids()).toContain(spec.id)
    expect(await trash.empty(op, { olderThanMs: 0 })).toContain(spec.id)
    expect(await ids()).not.toContain(spec.id)
  })

  test('the notes about a removed guest are kept beside its disk in the trash, and go with the disk', async () => {
    const { driver, op, spec } = await make()
    const { trash } = driver
    if (!trash) throw new Error('this driver has no trash')
    await driver.ensureDisk(op, spec)
    const guest = { instanceId: spec.instanceId, name: 'web', projectId: 'p', told: '{}' }
    await trash.keepGuest(op, guest)
    await trash.put(op, spec.id)
    const told = async () => (await trash.list(op)).find((one) => one.id === spec.id)?.guest
    expect(await told()).toEqual({ name: 'web', projectId: 'p' })
    await trash.empty(op, { olderThanMs: 60_000 })
    expect(await trash.takeBack(op, spec.id)).toEqual(guest)
    // The notes stay until dropGuest, because the caller that puts the guest back may have been interrupted.
    await trash.put(op, spec.id)
    expect(await trash.takeBack(op, spec.id)).toEqual(guest)
    await trash.dropGuest(op, spec.instanceId)
    await trash.dropGuest(op, spec.instanceId)
    await trash.put(op, spec.id)
    expect(await told()).toBeNull()
    await trash.keepGuest(op, guest)
    await trash.empty(op, { olderThanMs: 0 })
    await driver.ensureDisk(op, spec)
    await trash.put(op, spec.id)
    expect(await told()).toBeNull()
    await trash.empty(op, { olderThanMs: 0 })
  })

  test('a disk whose base is missing raises not_found and leaves nothing', async () => {
    const { driver, op, blobId, spec } = await make()
    await driver.removeBase(op, blobId)
    const error = await driver.ensureDisk(op, spec).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(DriverError)
    expect(error).toMatchObject({ code: 'not_found' })
    expect((await driver.listDisks(op)).map((d) => d.id)).not.toContain(spec.id)
  })

  test('probe tells the size and the free space', async () => {
    const { driver, op } = bench()
    const { totalGib, freeGib } = await driver.probe(op)
    expect(totalGib).toBeGreaterThan(0)
    expect(freeGib).toBeLessThanOrEqual(totalGib)
  })
}
