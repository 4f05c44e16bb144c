import { pino } from 'pino'
import { describe } from 'vitest'
import { backgroundOp } from '../op.ts'
import { storageConformance } from './conformance.ts'
import { createFakeStorage } from './fake.ts'

describe('fake storage', () => {
  const driver = createFakeStorage()
  let count = 0
  storageConformance(() => ({
    driver,
    op: backgroundOp(pino({ level: 'silent' })),
    rawBlob: async () => (count++).toString(16).padStart(64, '0'),
  }))
})
