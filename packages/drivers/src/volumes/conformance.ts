import { expect, test } from 'vitest'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { ImageStore } from '../storage/interface.ts'
import { copyConformance } from './conformance-copies.ts'
import { toolsOf } from './conformance-tools.ts'
import type { LocalVolumeDriver, ObservedExport, OpenedVolume, PoolSpec, VolumeSpec } from './interface.ts'

export type VolumeBench = {
  driver: LocalVolumeDriver
  op: Op
  pool: PoolSpec
  /** Another pool that is made already, to which volumes can be copied. */
  otherPool: PoolSpec
  /** A user whom a guest may have. */
  uid: number
  /** The id of the blob of a raw image of 1 MiB that is full of the byte 0xaa. */
  image(): Promise<string>
  /** The id of the blob of a qcow2 image of 2 GiB. */
  largeImage(): Promise<string>
  /** Opens the files that exportVolume writes. */
  exports: Pick<ImageStore, 'openExport'>
  /** Reads and writes as the guest's process would; null when the driver stores no bytes (the fake). */
  bytes: {
    /** Whether each of `length` bytes at `at` is `byte`. */
    are(opened: OpenedVolume, uid: number, range: Range, byte: number): Promise<boolean>
    write(opened: OpenedVolume, uid: number, range: Range, byte: number): Promise<void>
  } | null
}
export type Range = { at: number; length: number }

const gib = 1024 ** 3
const mib = 1024 ** 2

/**
 * The tests that every volume driver must pass; they run on the fake and on the real drivers. `snapshots` false: the driver
 * keeps nothing of a volume while a guest writes, and must refuse what needs that.
 */
export function volumeConformance(
  bench: () => VolumeBench,
  { encryption, snapshots = true }: { encryption?: VolumeSpec['encryption']; snapshots?: boolean } = {},
): void {
  const testKept = (name: string, work: () => Promise<void>) => {
    if (snapshots) test(name, work)
  }
  const { blank, isZeroed, made, ensure, revert, opensFor, aGuest, ids, used } = toolsOf(bench, encryption)
  copyConformance(bench, encryption)

  test('a volume is made once, listed, and can be removed twice', async () => {
    const { driver, op } = bench()
    const spec = blank(2)
    const made = await ensure(spec)
    expect(made).toMatchObject({ id: spec.id, sizeBytes: 2 * gib })
    expect(await ensure(spec)).toEqual(made)
    expect(await ids()).toContain(spec.id)
    await driver.removeVolume(op, spec)
    await driver.removeVolume(op, spec)
    expect(await ids()).not.toContain(spec.id)
  })

  test('a volume that is smaller than its image raises invalid and leaves nothing', async () => {
    const { largeImage } = bench()
    const base = { blobId: await largeImage(), format: 'qcow2' as const, maxVirtualBytes: 4 * gib }
    const spec = { ...blank(), source: { kind: 'image' as const, base } }
    const error = await ensure(spec).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(DriverError)
    expect(error).toMatchObject({ code: 'invalid' })
    expect(await ids()).not.toContain(spec.id)
  })

  test('a volume grows, does not shrink, and keeps the greatest size', async () => {
    const { driver, op, pool } = bench()
    const spec = blank(1)
    await ensure(spec)
    const size = (sizeGib: number) => ({ id: spec.id, pool, sizeGib })
    expect(await driver.growVolume(op, size(3))).toMatchObject({ sizeBytes: 3 * gib })
    expect(await driver.growVolume(op, size(3))).toMatchObject({ sizeBytes: 3 * gib })
    await expect(driver.growVolume(op, size(2))).rejects.toMatchObject({ code: 'invalid' })
    await driver.removeVolume(op, spec)
    await expect(driver.growVolume(op, size(4))).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a volume that a guest has is neither removed nor given to another guest, and can grow', async () => {
    const { driver, op, pool } = bench()
    const spec = blank()
    await ensure(spec)
    const [guest, other] = [aGuest(), aGuest()]
    await opensFor(spec, guest)
    await opensFor(spec, guest)
    await expect(opensFor(spec, other)).rejects.toMatchObject({ code: 'conflict' })
    await driver.closeVolumes(op, other.id, [])
    await driver.closeVolumes(op, guest.id, [spec])
    await expect(driver.removeVolume(op, spec)).rejects.toMatchObject({ code: 'conflict' })
    expect(await driver.growVolume(op, { id: spec.id, pool, sizeGib: 2 })).toMatchObject({
      sizeBytes: 2 * gib,
    })
    await driver.closeVolumes(op, guest.id, [])
    await driver.closeVolumes(op, guest.id, [])
    await driver.removeVolume(op, spec)
    await expect(opensFor(spec, guest)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a new volume reads as zeros, also where it has grown, and after a removed one of the same size', async () => {
    const { driver, op, pool, bytes } = bench()
    for (let round = 0; round < 2; round++) {
      const [spec, guest] = [blank(), aGuest()]
      await ensure(spec)
      await driver.growVolume(op, { id: spec.id, pool, sizeGib: 2 })
      const opened = await opensFor(spec, guest)
      for (const at of [0, gib - mib, 2 * gib - mib]) {
        if (!bytes) break
        const range = { at, length: mib }
        if (isZeroed) expect(await bytes.are(opened, guest.uid, range, 0)).toBe(true)
        await bytes.write(opened, guest.uid, range, 0x5a)
      }
      await driver.closeVolumes(op, guest.id, [])
      await driver.removeVolume(op, spec)
    }
  })

  test('two volumes of one image have its bytes, and each keeps its own changes for the next guest', async () => {
    const { driver, op, image, bytes } = bench()
    const base = { blobId: await image(), format: 'raw' as const, maxVirtualBytes: gib }
    const specs = [blank(), blank()].map((spec) => ({ ...spec, source: { kind: 'image' as const, base } }))
    for (const [index, spec] of specs.entries()) {
      const guest = aGuest()
      await ensure(spec)
      const opened = await opensFor(spec, guest)
      if (bytes) {
        expect(await bytes.are(opened, guest.uid, { at: 0, length: mib }, 0xaa)).toBe(true)
        if (isZeroed) expect(await bytes.are(opened, guest.uid, { at: mib, length: mib }, 0)).toBe(true)
        await bytes.write(opened, guest.uid, { at: 0, length: 4096 }, index + 1)
      }
      await driver.closeVolumes(op, guest.id, [])
    }
    for (const [index, spec] of specs.entries()) {
      const guest = aGuest()
      const opened = await opensFor(spec, guest)
      if (bytes) {
        expect(await bytes.are(opened, guest.uid, { at: 0, length: 4096 }, index + 1)).toBe(true)
        expect(await bytes.are(opened, guest.uid, { at: 4096, length: 4096 }, 0xaa)).toBe(true)
      }
      await driver.closeVolumes(op, guest.id, [])
      await driver.removeVolume(op, spec)
    }
  })

  testKept(
    'a snapshot keeps what the volume contained, for volumes that are made of it and for the volume itself',
    async () => {
      const { driver, op, pool } = bench()
      const spec = blank(1)
      await ensure(spec)
      await used(spec, ({ write }) => write(0, 1))
      const snapshot = { id: crypto.randomUUID(), volumeId: spec.id, pool }
      const made = await driver.ensureSnapshot(op, snapshot)
      expect(made).toEqual({
        id: snapshot.id,
        volumeId: spec.id,
        sizeBytes: gib,
        quiesced: true,
        guest: null,
      })
      await used(spec, async ({ write, reads }) => {
        await reads(0, 1)
        await write(0, 2)
        await write(8192, 2)
      })
      expect(await driver.ensureSnapshot(op, snapshot)).toEqual(made)
      expect(await driver.listSnapshots(op, pool)).toContainEqual(made)

      const copy = { ...blank(2), source: { kind: 'snapshot' as const, id: snapshot.id } }
      await ensure(copy)
      await used(copy, async ({ write, reads }) => {
        await reads(0, 1)
        await reads(8192, 0)
        await reads(gib, 0)
        await write(0, 3)
      })
      await driver.growVolume(op, { id: spec.id, pool, sizeGib: 2 })
      expect((await revert(spec, snapshot)).sizeBytes).toBe(2 * gib)
      await used(spec, async ({ reads }) => {
        await reads(0, 1)
        await reads(8192, 0)
        await reads(gib, 0)
      })
      for (let n = 0; n < 2; n++) await driver.removeSnapshot(op, snapshot)
      expect(await driver.listSnapshots(op, pool)).not.toContainEqual(made)
      await driver.removeVolume(op, spec)
      await used(copy, ({ reads }) => reads(0, 3))
      await driver.removeVolume(op, copy)
    },
  )

  testKept(
    'snapshots of several volumes are all made, those of an earlier call that has failed anew',
    async () => {
      const { driver, op, pool } = bench()
      const some = [blank(1), blank(2)]
      for (const [index, spec] of some.entries()) {
        await ensure(spec)
        await used(spec, ({ write }) => write(0, index + 1))
      }
      const gone = blank(1)
      const wish = [...some, gone].map(({ id }) => ({ id: crypto.randomUUID(), volumeId: id }))
      await expect(driver.ensureSnapshots(op, { pool, snapshots: wish })).rejects.toMatchObject({
        code: 'not_found',
      })
      for (const spec of some) await used(spec, ({ write }) => write(4096, 7))
      await ensure(gone)
      const made = await driver.ensureSnapshots(op, { pool, snapshots: wish })
      expect(made.map(({ id, volumeId }) => ({ id, volumeId }))).toEqual(wish)
      expect(await driver.ensureSnapshots(op, { pool, snapshots: wish })).toEqual(made)
      for (const [index, spec] of some.entries()) {
        const copy = { ...blank(2), source: { kind: 'snapshot' as const, id: wish[index]?.id ?? '' } }
        await ensure(copy)
        await used(copy, async ({ reads }) => {
          await reads(0, index + 1)
          await reads(4096, 7)
        })
        await driver.removeVolume(op, copy)
        await driver.removeVolume(op, spec)
      }
      await driver.removeVolume(op, gone)
      for (const { id } of wish) await driver.removeSnapshot(op, { id, pool })
    },
  )

  testKept(
    'a snapshot outlives its volume, and a snapshot of a volume that is gone raises not_found',
    async () => {
      const { driver, op, pool } = bench()
      const spec = blank(1)
      await ensure(spec)
      await used(spec, ({ write }) => write(0, 1))
      const snapshot = { id: crypto.randomUUID(), volumeId: spec.id, pool }
      await driver.ensureSnapshot(op, snapshot)
      await driver.removeVolume(op, spec)
      const other = { id: crypto.randomUUID(), volumeId: spec.id, pool }
      await expect(driver.ensureSnapshot(op, other)).rejects.toMatchObject({ code: 'not_found' })
      const copy = { ...blank(1), source: { kind: 'snapshot' as const, id: snapshot.id } }
      await ensure(copy)
      await used(copy, ({ reads }) => reads(0, 1))
      await driver.removeSnapshot(op, snapshot)
      const late = { ...copy, id: crypto.randomUUID() }
      await expect(ensure(late)).rejects.toMatchObject({ code: 'not_found' })
      expect(await ids()).not.toContain(late.id)
      await expect(revert(copy, snapshot)).rejects.toMatchObject({ code: 'not_found' })
      await driver.removeVolume(op, copy)
    },
  )

  test('a volume that is made of another one begins with its bytes, and each goes its own way', async () => {
    const { driver, op } = bench()
    const spec = blank(1)
    await ensure(spec)
    await used(spec, ({ write }) => write(0, 1))
    const copy = { ...blank(1), source: { kind: 'volume' as const, id: spec.id } }
    for (let n = 0; n < 2; n++) await ensure(copy)
    await used(spec, ({ write }) => write(0, 2))
    await used(copy, async ({ reads, write }) => {
      await reads(0, 1)
      await write(4096, 3)
    })
    await used(spec, async ({ reads }) => {
      await reads(0, 2)
      await reads(4096, 0)
    })
    await driver.removeVolume(op, spec)
    await used(copy, ({ reads }) => reads(0, 1))
    await driver.removeVolume(op, copy)
  })

  testKept('a volume goes back to no snapshot while a guest has it, and to none that is larger', async () => {
    const { driver, op, pool } = bench()
    const [small, large] = [blank(1), blank(2)]
    for (const spec of [small, large]) await ensure(spec)
    const snapshot = { id: crypto.randomUUID(), volumeId: large.id, pool }
    await driver.ensureSnapshot(op, snapshot)
    await expect(revert(small, snapshot)).rejects.toMatchObject({ code: 'invalid' })
    await used(large, async () => {
      await expect(revert(large, snapshot)).rejects.toMatchObject({ code: 'conflict' })
    })
    await revert(large, snapshot)
    await driver.removeSnapshot(op, snapshot)
    for (const spec of [small, large]) await driver.removeVolume(op, spec)
  })

  testKept('layers that nothing needs any more are merged, and the data stay as they are', async () => {
    const { driver, op, pool } = bench()
    const spec = blank(1)
    await ensure(spec)
    const snapshots = [1, 2, 3].map(() => ({ id: crypto.randomUUID(), volumeId: spec.id, pool }))
    for (const [index, snapshot] of snapshots.entries()) {
      await used(spec, async ({ write }) => {
        await write(0, index + 1)
        await write((index + 1) * mib, index + 1)
      })
      await driver.ensureSnapshot(op, snapshot)
    }
    await driver.growVolume(op, { id: spec.id, pool, sizeGib: 2 })
    await used(spec, ({ write }) => write(gib, 9))
    const [first, ...others] = snapshots
    for (const snapshot of others) await driver.removeSnapshot(op, snapshot)
    for (let n = 0; n < 2; n++) expect((await driver.mergeLayers(op, spec)).mergeable).toBe(0)
    const stillThere = async (last: number) =>
      used(spec, async ({ reads }) => {
        await reads(0, last)
        for (const index of [1, 2, 3]) await reads(index * mib, index)
        await reads(gib, 9)
      })
    await stillThere(3)
    const copy = { ...blank(1), source: { kind: 'snapshot' as const, id: first?.id ?? '' } }
    await ensure(copy)
    await driver.removeSnapshot(op, { id: first?.id ?? '', pool })
    await driver.mergeLayers(op, spec)
    await used(copy, async ({ reads }) => {
      await reads(0, 1)
      await reads(2 * mib, 0)
    })
    await driver.removeVolume(op, copy)
    expect((await driver.mergeLayers(op, spec)).mergeable).toBe(0)
    await stillThere(3)
    await driver.removeVolume(op, spec)
    await expect(driver.mergeLayers(op, spec)).rejects.toMatchObject({ code: 'not_found' })
  })

  if (!snapshots)
    test('a driver without snapshots refuses them and what would need them, and the volume stays as it is', async () => {
      const { driver, op, pool } = bench()
      const [spec, refused] = [blank(1), { code: 'unsupported' }]
      await ensure(spec)
      await used(spec, ({ write }) => write(0, 1))
      const snapshot = { id: crypto.randomUUID(), volumeId: spec.id, pool }
      await expect(driver.ensureSnapshot(op, snapshot)).rejects.toMatchObject(refused)
      await expect(driver.ensureSnapshots(op, { pool, snapshots: [snapshot] })).rejects.toMatchObject(refused)
      await driver.removeSnapshot(op, snapshot)
      expect(await driver.listSnapshots(op, pool)).toEqual([])
      const wish = { id: spec.id, pool, snapshotId: snapshot.id }
      await expect(driver.revertVolume(op, wish)).rejects.toMatchObject(refused)
      const ofSnapshot = { ...blank(1), source: { kind: 'snapshot' as const, id: snapshot.id } }
      await expect(ensure(ofSnapshot)).rejects.toMatchObject(refused)
      const backup = { id: crypto.randomUUID(), volumeId: spec.id, pool, snapshotId: null }
      await used(spec, async ({ reads }) => {
        await reads(0, 1)
        const busy = { code: 'conflict' }
        await expect(driver.openFrozen(op, backup)).rejects.toMatchObject(busy)
        const copy = { ...blank(1), source: { kind: 'volume' as const, id: spec.id } }
        await expect(ensure(copy)).rejects.toMatchObject(busy)
        const exported = { id: spec.id, pool, exportId: crypto.randomUUID(), format: 'raw' as const }
        await expect(made(() => driver.exportVolume(op, exported))).rejects.toMatchObject(busy)
      })
      expect((await driver.mergeLayers(op, spec)).mergeable).toBe(0)
      expect(await ids()).toContain(spec.id)
      await driver.removeVolume(op, spec)
      await expect(driver.mergeLayers(op, spec)).rejects.toMatchObject({ code: 'not_found' })
    })

  if (isZeroed) {
    test('a volume gets what an image contains, and neither while a guest has it nor from a larger image', async () => {
      const { driver, op, pool, image, largeImage } = bench()
      const spec = blank(1)
      await ensure(spec)
      await used(spec, ({ write }) => write(2 * mib, 1))
      const base = { blobId: await image(), format: 'raw' as const, maxVirtualBytes: gib }
      const wish = { id: spec.id, pool, base }
      await used(spec, () =>
        expect(driver.reimageVolume(op, wish)).rejects.toMatchObject({ code: 'conflict' }),
      )
      for (let n = 0; n < 2; n++)
        expect(await driver.reimageVolume(op, wish)).toMatchObject({ sizeBytes: gib })
      await used(spec, async ({ reads }) => {
        await reads(0, 0xaa)
        await reads(2 * mib, 0)
      })
      const large = { blobId: await largeImage(), format: 'qcow2' as const, maxVirtualBytes: 4 * gib }
      await expect(driver.reimageVolume(op, { ...wish, base: large })).rejects.toMatchObject({
        code: 'invalid',
      })
      await used(spec, ({ reads }) => reads(0, 0xaa))
      await driver.removeVolume(op, spec)
      await expect(driver.reimageVolume(op, wish)).rejects.toMatchObject({ code: 'not_found' })
    })

    test('an image of a volume is written once, also while a guest has the volume, and can be removed twice', async () => {
      const { driver, op, pool, exports } = bench()
      const spec = blank(1)
      await ensure(spec)
      await used(spec, ({ write }) => write(0, 1))
      for (const format of ['raw', 'qcow2'] as const) {
        const wish = { id: spec.id, pool, exportId: crypto.randomUUID(), format }
        let made: ObservedExport | null = null
        const exporting = async () => {
          while (!made) made = await driver.exportVolume(op, wish)
        }
        await (snapshots ? used(spec, exporting) : exporting())
        expect(await driver.exportVolume(op, wish)).toEqual(made)
        const { sizeBytes, bytes } = await exports.openExport(wish.exportId)
        bytes.destroy()
        expect(made).toEqual({ sizeBytes })
        for (let n = 0; n < 2; n++) await driver.removeExport(op, wish)
        await expect(exports.openExport(wish.exportId)).rejects.toMatchObject({ code: 'not_found' })
      }
      await driver.removeVolume(op, spec)
      const late = { id: spec.id, pool, exportId: crypto.randomUUID(), format: 'raw' as const }
      await expect(driver.exportVolume(op, late)).rejects.toMatchObject({ code: 'not_found' })
      await expect(exports.openExport(late.exportId)).rejects.toMatchObject({ code: 'not_found' })
    })
  } else
    test('an encrypted volume is made of nothing that is plain or has another key, and gives away nothing that is plain', async () => {
      const { driver, op, pool, image } = bench()
      const spec = blank(1)
      await ensure(spec)
      const invalid = { code: 'invalid' }
      const plain = { id: crypto.randomUUID(), pool, sizeGib: 1, source: null }
      await driver.ensureVolume(op, plain)
      const other = { key: Buffer.alloc(32, 8).toString('base64'), keyBits: 512 as const }
      for (const one of [
        { ...blank(1), source: { kind: 'volume' as const, id: plain.id } },
        { ...plain, id: crypto.randomUUID(), source: { kind: 'volume' as const, id: spec.id } },
        { ...blank(1), encryption: other, source: { kind: 'volume' as const, id: spec.id } },
      ])
        await expect(ensure(one)).rejects.toMatchObject(invalid)
      const base = { blobId: await image(), format: 'raw' as const, maxVirtualBytes: gib }
      await expect(made(() => driver.reimageVolume(op, { id: spec.id, pool, base }))).rejects.toMatchObject(
        invalid,
      )
      const wish = { id: spec.id, pool, exportId: crypto.randomUUID(), format: 'raw' as const }
      await expect(made(() => driver.exportVolume(op, wish))).rejects.toMatchObject(invalid)
      for (const one of [spec, plain]) await driver.removeVolume(op, one)
    })

  if (!isZeroed)
    test('a host has the keys of the volumes that its guests have, and forgets them', async () => {
      const { driver, op } = bench()
      const [spec, guest] = [blank(1), aGuest()]
      await ensure(spec)
      await expect(driver.openVolume(op, spec, guest)).rejects.toMatchObject({ code: 'unavailable' })
      const wrong = { id: spec.id, key: Buffer.alloc(32, 9).toString('base64') }
      await driver.giveKeys(op, { keys: [wrong] })
      await expect(driver.openVolume(op, spec, guest)).rejects.toMatchObject({ code: 'conflict' })
      await opensFor(spec, guest)
      const listed = await driver.listVolumes(op, bench().pool)
      expect(listed.find(({ id }) => id === spec.id)).toMatchObject({ encrypted: true })
      expect(await driver.keepKeys(op, { ids: [spec.id] })).toEqual([])
      await driver.closeVolumes(op, guest.id, [])
      expect(await driver.keepKeys(op, { ids: [spec.id] })).toEqual([spec.id])
      await driver.giveKeys(op, { keys: [wrong] })
      expect(await driver.keepKeys(op, { ids: [] })).toEqual([])
      expect(await driver.keepKeys(op, { ids: [spec.id] })).toEqual([spec.id])
      await driver.removeVolume(op, spec)
    })

  test('a volume that no guest has is not moved as if it were in use, and nothing is left of the attempt', async () => {
    const { driver, op, pool, otherPool } = bench()
    const spec = blank(1)
    await ensure(spec)
    const wish = { id: spec.id, from: pool, to: otherPool, copyId: crypto.randomUUID() }
    const refused = await driver.moveInUse(op, wish).catch((error: unknown) => error)
    expect(['conflict', 'unsupported']).toContain((refused as DriverError).code)
    for (let n = 0; n < 2; n += 1) expect(await driver.endMove(op, wish)).toBe(false)
    expect((await driver.listVolumes(op, otherPool)).map(({ id }) => id)).not.toContain(spec.id)
    await driver.removeVolume(op, spec)
  })

  test('the pool tells its size and its free space', async () => {
    const { driver, op, pool } = bench()
    const { totalGib, freeGib } = await driver.probePool(op, pool)
    expect(totalGib).toBeGreaterThan(0)
    expect(freeGib).toBeLessThanOrEqual(totalGib)
  })
}
