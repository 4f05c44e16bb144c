import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backgroundOp } from '../op.ts'
import { openImageStore } from '../storage/image-store.ts'
import { volumeConformance } from './conformance.ts'
import { createFakeVolumes } from './fake.ts'
import type { PoolSpec } from './interface.ts'

describe('fake volumes', () => {
  const otherPool: PoolSpec = { driver: 'files', id: crypto.randomUUID(), path: '/srv/other' }
  beforeAll(() => driver.makePool(backgroundOp(pino({ level: 'silent' })), otherPool))
  const [small, large] = ['0', 'f'].map((digit) => digit.repeat(64)) as [string, string]
  const imagesDir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-fake-volumes-'))
  afterAll(() => fs.rmSync(imagesDir, { recursive: true }))
  const exports = openImageStore(imagesDir)
  const driver = createFakeVolumes({
    baseBytes: (blobId) => (blobId === large ? 2 * 1024 ** 3 : 1024 ** 2),
    exports: { imagesDir, bytes: () => Buffer.alloc(512) },
  })
  volumeConformance(() => ({
    driver,
    op: backgroundOp(pino({ level: 'silent' })),
    pool: { driver: 'files', id: 'local' },
    otherPool,
    uid: 1,
    image: async () => small,
    largeImage: async () => large,
    exports,
    bytes: null,
  }))

  test('a volume that moves while a guest has it is given to that guest in either pool, and to no other', async () => {
    const op = backgroundOp(pino({ level: 'silent' }))
    const pool: PoolSpec = { driver: 'files', id: 'local' }
    const [guest, other] = [crypto.randomUUID(), crypto.randomUUID()].map((id) => ({ id, uid: 1 }))
    const key = { id: crypto.randomUUID(), pool }
    const moved = { ...key, pool: otherPool }
    const wish = { id: key.id, from: pool, to: otherPool, copyId: crypto.randomUUID() }
    await driver.ensureVolume(op, { ...key, sizeGib: 1, source: null })
    await driver.openVolume(op, key, guest as { id: string; uid: number })
    for (let n = 0; n < 2; n += 1) await driver.moveInUse(op, wish)
    expect(await driver.endMove(op, wish)).toBe(true)
    await driver.closeVolumes(op, guest?.id ?? '', [key])
    await driver.openVolume(op, key, guest as { id: string; uid: number })
    const taken = driver.openVolume(op, moved, other as { id: string; uid: number })
    await expect(taken).rejects.toMatchObject({ code: 'conflict' })
    await expect(driver.removeVolume(op, key)).rejects.toMatchObject({ code: 'conflict' })
    await driver.closeVolumes(op, guest?.id ?? '', [moved])
    await driver.removeVolume(op, key)
    expect(await driver.endMove(op, wish)).toBe(true)
    await driver.closeVolumes(op, guest?.id ?? '', [])
    await driver.removeVolume(op, moved)
  })
})
