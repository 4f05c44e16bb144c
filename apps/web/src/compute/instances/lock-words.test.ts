import { expect, test } from 'vitest'
import { lockText } from './lock-words.ts'

test('a padlock says who unlocks it, and why it is locked', () => {
  expect(lockText({ lockedByAdmin: false, lockedReason: null })).toBe(
    'Locked: nothing changes until it is unlocked.',
  )
  expect(lockText({ lockedByAdmin: true, lockedReason: 'the audit' })).toBe(
    'Locked by an administrator: nothing changes until it is unlocked. Reason: the audit',
  )
})
