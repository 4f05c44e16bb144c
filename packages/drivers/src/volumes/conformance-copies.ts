import { expect, test } from 'vitest'
import type { VolumeBench } from './conformance.ts'
import { toolsOf } from './conformance-tools.ts'
import type { VolumeSpec } from './interface.ts'

const gib = 1024 ** 3
const mib = 1024 ** 2

/** The tests of copies between the two pools of the bench, which may be of different kinds. */
export function copyConformance(bench: () => VolumeBench, encryption?: VolumeSpec['encryption']): void {
  const { blank, ensure, used } = toolsOf(bench, encryption)

  test('a copy in another pool has the data and the size of the volume as it is when the copy is made', async () => {
    const { driver, op, pool, otherPool, image } = bench()
    const base = { blobId: await image(), format: 'raw' as const, maxVirtualBytes: gib }
    for (const source of [null, { kind: 'image' as const, base }]) {
      const spec: VolumeSpec = { ...blank(1), source }
      await ensure(spec)
      await driver.growVolume(op, { id: spec.id, pool, sizeGib: 2 })
      await used(spec, ({ write }) => write(mib, 5))
      const wish = { id: spec.id, from: pool, to: otherPool, copyId: crypto.randomUUID() }
      const moved = { ...spec, pool: otherPool }
      expect(await driver.copyVolume(op, wish)).toMatchObject({ id: spec.id, sizeBytes: 2 * gib })
      await used(spec, ({ write }) => write(mib, 6))
      await driver.copyVolume(op, { ...wish, copyId: crypto.randomUUID() })
      await driver.removeVolume(op, spec)
      await used(moved, async ({ reads, write }) => {
        await reads(0, source ? 0xaa : 0)
        await reads(mib, 6)
        await reads(gib, 0)
        await write(gib, 7)
      })
      await expect(driver.copyVolume(op, wish)).rejects.toMatchObject({ code: 'not_found' })
      const back = { id: spec.id, from: otherPool, to: pool, copyId: crypto.randomUUID() }
      for (let n = 0; n < 2; n += 1) await driver.copyVolume(op, back)
      await driver.removeVolume(op, moved)
      await used(spec, async ({ reads }) => {
        await reads(mib, 6)
        await reads(gib, 7)
      })
      await driver.removeVolume(op, spec)
    }
  })

  test('a volume that a guest has is not copied into another pool, and nothing is left there', async () => {
    const { driver, op, pool, otherPool } = bench()
    const spec = blank(1)
    await ensure(spec)
    await used(spec, async () => {
      const wish = { id: spec.id, from: pool, to: otherPool, copyId: crypto.randomUUID() }
      await expect(driver.copyVolume(op, wish)).rejects.toMatchObject({ code: 'conflict' })
    })
    expect((await driver.listVolumes(op, otherPool)).map(({ id }) => id)).not.toContain(spec.id)
    await driver.removeVolume(op, spec)
  })
}
