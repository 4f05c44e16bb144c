import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe } from 'vitest'
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
})
