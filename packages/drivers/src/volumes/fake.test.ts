import { pino } from 'pino'
import { describe } from 'vitest'
import { backgroundOp } from '../op.ts'
import { volumeConformance } from './conformance.ts'
import { createFakeVolumes } from './fake.ts'

describe('fake volumes', () => {
  const [small, large] = ['0', 'f'].map((digit) => digit.repeat(64)) as [string, string]
  const driver = createFakeVolumes({ baseBytes: (blobId) => (blobId === large ? 2 * 1024 ** 3 : 1024 ** 2) })
  volumeConformance(() => ({
    driver,
    op: backgroundOp(pino({ level: 'silent' })),
    pool: { driver: 'files', id: 'local' },
    uid: 1,
    image: async () => small,
    largeImage: async () => large,
    bytes: null,
  }))
})
