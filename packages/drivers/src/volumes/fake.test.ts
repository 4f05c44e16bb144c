import { pino } from 'pino'
import { beforeAll, describe } from 'vitest'
import { backgroundOp } from '../op.ts'
import { volumeConformance } from './conformance.ts'
import { createFakeVolumes } from './fake.ts'
import type { PoolSpec } from './interface.ts'

describe('fake volumes', () => {
  const otherPool: PoolSpec = { driver: 'files', id: crypto.randomUUID(), path: '/srv/other' }
  beforeAll(() => driver.makePool(backgroundOp(pino({ level: 'silent' })), otherPool))
  const [small, large] = ['0', 'f'].map((digit) => digit.repeat(64)) as [string, string]
  const driver = createFakeVolumes({ baseBytes: (blobId) => (blobId === large ? 2 * 1024 ** 3 : 1024 ** 2) })
  volumeConformance(() => ({
    driver,
    op: backgroundOp(pino({ level: 'silent' })),
    pool: { driver: 'files', id: 'local' },
    otherPool,
    uid: 1,
    image: async () => small,
    largeImage: async () => large,
    bytes: null,
  }))
})
