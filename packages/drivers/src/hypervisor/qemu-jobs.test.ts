import { expect, test } from 'vitest'
import { endedBadly } from './qemu-jobs.ts'

test('work that has filled a pool is not tried again, other work is', () => {
  for (const error of ['No space left on device', 'write failed: Disk quota exceeded'])
    expect(endedBadly({ error })).toMatchObject({ code: 'no_space' })
  expect(endedBadly({ error: 'Input/output error' })).toMatchObject({ code: 'failed' })
})
